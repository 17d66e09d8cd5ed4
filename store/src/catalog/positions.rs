//! Owner of `source_position`.

use super::database::{Database, Writing, sql};
use super::{CatalogError, During as _};
use crate::position::{Position, Source, Standing};
use crate::time::Timestamp;
use crate::workspace::Workspace;

type Row = (String, String, Option<String>, i64);

pub(super) async fn one(
    database: &Database,
    workspace: &Workspace,
    source: &Source,
) -> Result<Option<Standing>, CatalogError> {
    let row: Option<Row> = sql(
        "select source, position, origin, updated from source_position where workspace = $1 and source = $2",
    )
    .bind(workspace.as_str())
    .bind(source.as_str())
    .optional(database)
    .await
    .during("read source")?;
    Ok(row.map(standing).transpose()?.map(|(_, standing)| standing))
}

/// The first `count` of a workspace behind `after`, by name.
pub(super) async fn page(
    database: &Database,
    workspace: &Workspace,
    after: Option<&Source>,
    count: usize,
) -> Result<Vec<(Source, Standing)>, CatalogError> {
    let rows: Vec<Row> = sql(
        "select source, position, origin, updated from source_position
         where workspace = $1 and source > $2 order by source limit $3",
    )
    .bind(workspace.as_str())
    .bind(after.map_or("", Source::as_str))
    .bind(i64::try_from(count).unwrap_or(i64::MAX))
    .rows(database)
    .await
    .during("read sources")?;
    rows.into_iter().map(standing).collect()
}

fn standing((source, position, origin, updated): Row) -> Result<(Source, Standing), CatalogError> {
    let damaged = || CatalogError::Inconsistent(format!("source {source}"));
    let standing = Standing {
        position: Position::new(&position).ok_or_else(damaged)?,
        origin,
        updated: Timestamp::from_micros(updated),
    };
    Ok((Source::new(&source).ok_or_else(damaged)?, standing))
}

pub(super) async fn write(
    writing: &mut Writing,
    positions: &[(Workspace, Source, Standing)],
) -> Result<(), CatalogError> {
    for (workspace, source, standing) in positions {
        sql(
            "insert into source_position (workspace, source, position, origin, updated) values ($1, $2, $3, $4, $5)
             on conflict (workspace, source) do update set position = excluded.position,
                 origin = excluded.origin, updated = excluded.updated",
        )
        .bind(workspace.as_str())
        .bind(source.as_str())
        .bind(standing.position.as_str())
        .bind(standing.origin.clone())
        .bind(standing.updated.as_micros())
        .execute(&mut *writing)
        .await
        .during("write source")?;
    }
    Ok(())
}
