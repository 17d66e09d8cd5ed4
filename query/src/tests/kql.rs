//! Questions in KQL: what they read, and what they give.

use datafusion::physical_plan::displayable;
use tokio::time::Instant;

use super::*;

/// The physical plan of a question, as text.
async fn plan(fixture: &Fixture, kql: &str) -> String {
    let workspace = Workspace::default();
    let deadline = Instant::now() + Duration::from_secs(30);
    let planned = fixture
        .engine
        .results(&workspace, Question::kql(kql), deadline);
    let (state, results) = planned.await.unwrap();
    let (plan, _) = results.first().unwrap();
    let physical = state.create_physical_plan(plan).await.unwrap();
    displayable(physical.as_ref()).indent(true).to_string()
}

async fn csv(fixture: &Fixture, question: Question) -> String {
    let workspace = Workspace::default();
    let mut answer = fixture.engine.answer(&workspace, question).await.unwrap();
    let (mut encoder, mut bytes) = answer.encoder(Format::Csv).unwrap();
    while let Some(batch) = answer.next_batch().await.unwrap() {
        bytes.extend(encoder.rows(&batch).unwrap());
    }
    bytes.extend(encoder.finish(false).unwrap());
    String::from_utf8(bytes).unwrap()
}

const CALLS: [&str; 4] = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "192.0.2.2"];

#[tokio::test]
async fn filters_reach_the_files_and_no_other_column_is_read() {
    let fixture = fixture(&CALLS).await;
    let kql = "ApiManagementGatewayLogs | where TimeGenerated < datetime(1970-01-01T00:01:30Z) \
        | summarize n = count() by CallerIpAddress";
    let text = plan(&fixture, kql).await;
    let scan = text
        .lines()
        .find(|line| line.contains("DataSourceExec: file_groups"));
    let scan = scan.unwrap_or_else(|| panic!("{text}"));
    assert!(
        scan.contains("projection=[TimeGenerated, CallerIpAddress]")
            || scan.contains("projection=[CallerIpAddress]"),
        "{text}"
    );
    assert!(scan.contains("predicate=TimeGenerated"), "{text}");
    assert!(!text.contains("json_get_str"), "{text}");
    // Nothing of that time is in a file.
    let kql = "ApiManagementGatewayLogs | where TimeGenerated > datetime(2020-01-01) | count";
    let text = plan(&fixture, kql).await;
    assert!(!text.contains("file_groups"), "{text}");
}

#[tokio::test]
async fn a_span_bounds_the_tables_and_is_now() {
    let fixture = fixture(&CALLS).await;
    let mut question = Question::kql(
        "ApiManagementGatewayLogs | summarize n = count(), latest = max(TimeGenerated), now = now()",
    );
    question.span = Some(Span {
        start: Timestamp::from_micros(60_000_000),
        end: Timestamp::from_micros(180_000_000),
    });
    let expected = "n,latest,now\n2,1970-01-01T00:02:00.0000000Z,1970-01-01T00:03:00.0000000Z\n";
    assert_eq!(csv(&fixture, question).await, expected);
}

#[tokio::test]
async fn lists_of_the_configuration_are_watchlists() {
    let fixture = fixture(&CALLS).await;
    let kql = "let office = toscalar(_GetWatchlist('office') | summarize make_list(IPAddress)); \
        ApiManagementGatewayLogs | where ipv4_is_in_any_range(CallerIpAddress, office) | count";
    assert_eq!(csv(&fixture, Question::kql(kql)).await, "Count\n2\n");
}

#[tokio::test]
async fn external_data_is_refused_unless_it_may_be_empty() {
    let fixture = fixture(&CALLS).await;
    let kql = "externaldata(a: string)['https://lists.example.org/a.csv'] | count";
    let workspace = Workspace::default();
    let refused = fixture.engine.answer(&workspace, Question::kql(kql)).await;
    let reason = refused.map(|_answer| ()).unwrap_err().to_string();
    assert!(reason.contains("lists.example.org"), "{reason}");
    let mut question = Question::kql(kql);
    question.external = External::Empty;
    let answer = fixture.engine.answer(&workspace, question.clone()).await;
    let notes = answer.unwrap().notes().len();
    assert_eq!(
        (notes, csv(&fixture, question).await.as_str()),
        (1, "Count\n0\n")
    );
}

#[tokio::test]
async fn several_results_come_one_after_the_other() {
    let fixture = fixture(&CALLS).await;
    let workspace = Workspace::default();
    let kql = "print a = 1; print b = 2";
    let answers = fixture.engine.answers(&workspace, Question::kql(kql)).await;
    assert_eq!(answers.unwrap().len(), 2);
    let one = fixture.engine.answer(&workspace, Question::kql(kql)).await;
    assert!(matches!(one, Err(QueryError::ManyResults(2))));
}
