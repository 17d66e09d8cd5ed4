//! Names and types: from the syntax tree to bound expressions and relations.

mod call;
mod expr;
mod function;
mod operator;
mod scope;
mod special;
mod tabular;

use std::cell::{Cell, RefCell};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use kql_syntax::Span;
use kql_syntax::ast::Type;
use kql_values::Value;

use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::plan::{Environment, Render};
use crate::relation::{Frame, Relation};

pub(crate) use call::{check_arity, check_count, fit};
pub(crate) use expr::{custom_of, step};
pub(crate) use operator::alike;
pub(crate) use scope::{Binding, Scope};
pub(crate) use special::{SPECIAL, as_type};
pub(crate) use tabular::is_database;

/// Deepest nesting of calls of functions that a query defines.
const CALLS_MAX: usize = 40;

/// Most operators that a query may have after its functions are put in place of their calls.
///
/// Planning recurses into each: some thousands would end the process by its stack.
const OPERATORS_MAX: usize = 1_000;

/// Most parts of plans that tables may have that are named by `let` or `as`, counted at each use: two uses of a table that uses
/// another twice are four.
const PARTS_MAX: usize = 10_000;

/// The values of a table in a list: where it stands, among what names, and they.
type List = (Span, std::rc::Rc<Scope>, Vec<Bound>);

/// Binds one query.
#[derive(Debug)]
pub(crate) struct Binder<'a> {
    pub(crate) environment: &'a Environment<'a>,
    fresh: Cell<usize>,
    calls: Cell<usize>,
    /// How many window functions were bound.
    pub(crate) windows: Cell<usize>,
    operators: Cell<usize>,
    parts: Cell<usize>,
    /// Results beside the main one (`fork`, `facet`), and the hint of `render`.
    pub(crate) side_results: RefCell<Vec<(String, Relation)>>,
    pub(crate) render: RefCell<Option<Render>>,
    /// What `toscalar` of an expression gave where it stands: the same for each call of the function around it.
    scalars: RefCell<Vec<(Span, Bound, Bound)>>,
    /// What a table on the right side of `in` gave where it stands: `search` reads it for each table that it searches.
    lists: RefCell<Vec<List>>,
    /// What the reader of the result has to know.
    pub(crate) warnings: RefCell<Vec<String>>,
}

/// Names and types of columns.
type Columns<'r> = &'r [(String, Type)];

/// The row that an expression reads, and what may stand in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row<'r> {
    pub(crate) columns: &'r [(String, Type)],
    /// `$left` and `$right`.
    pub(crate) sides: Option<(Columns<'r>, Columns<'r>)>,
    /// Where aggregates are gathered, if they may stand here.
    pub(crate) aggregation: Option<&'r RefCell<crate::aggregates::Aggregation>>,
    /// Where window functions are gathered.
    pub(crate) windows: Option<&'r RefCell<crate::operators::Windows>>,
    /// Steps of `scan` whose state may be read.
    pub(crate) steps: &'r [String],
}

impl<'r> Row<'r> {
    pub(crate) fn of(columns: &'r [(String, Type)]) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    fn type_of(&self, name: &str) -> Option<Type> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, ty)| *ty)
    }
}

impl<'a> Binder<'a> {
    pub(crate) fn new(environment: &'a Environment<'a>) -> Self {
        Self {
            environment,
            fresh: Cell::new(0),
            calls: Cell::new(0),
            windows: Cell::new(0),
            operators: Cell::new(0),
            parts: Cell::new(0),
            side_results: RefCell::new(Vec::new()),
            render: RefCell::new(None),
            scalars: RefCell::new(Vec::new()),
            lists: RefCell::new(Vec::new()),
            warnings: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn frame(&self) -> Frame<'a> {
        Frame {
            language: self.environment.language,
            now: self.environment.now,
        }
    }

    /// The first rows of a part of the query, computed now.
    pub(crate) fn rows(&self, plan: LogicalPlan, rows_max: usize) -> Bind<Vec<RecordBatch>> {
        let plan = LogicalPlanBuilder::from(plan)
            .limit(0, Some(rows_max))?
            .build()?;
        Ok(self.environment.evaluate.rows(plan, rows_max)?)
    }

    /// The first rows of a relation, computed now.
    pub(crate) fn values(&self, relation: Relation, rows_max: usize) -> Bind<Vec<Vec<Value>>> {
        let (names, types): (Vec<_>, Vec<_>) = relation.columns.iter().cloned().unzip();
        let batches = self.rows(relation.select(&names)?.plan, rows_max)?;
        let mut values = Vec::new();
        for batch in &batches {
            values.extend(crate::node::to_rows(batch, &types)?.rows);
        }
        Ok(values)
    }

    pub(crate) fn warn(&self, text: String) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// A name that no query can write.
    pub(crate) fn fresh(&self, stem: &str) -> String {
        let number = self.fresh.get();
        self.fresh.set(number + 1);
        format!("\u{1}{stem}{number}")
    }

    pub(crate) fn count_operator(&self, span: Span) -> Bind<()> {
        let count = self.operators.get() + 1;
        self.operators.set(count);
        if count > OPERATORS_MAX {
            let text = format!("the query comes to more than {OPERATORS_MAX} operators");
            return Err(Refusal::at(span, text));
        }
        Ok(())
    }

    /// Counts a table that is used once more.
    pub(crate) fn count_parts(&self, plan: &LogicalPlan, span: Span) -> Bind<()> {
        let mut count = self.parts.get();
        plan.apply(|_| {
            count += 1;
            let is_enough = count > PARTS_MAX;
            Ok(if is_enough {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })?;
        self.parts.set(count);
        if count > PARTS_MAX {
            let text = "the tables that the query names are used too often: they come to more than \
                10000 parts, so use materialize or fewer unions and joins";
            return Err(Refusal::at(span, text));
        }
        Ok(())
    }

    /// Runs something one call deeper.
    pub(crate) fn deeper<T>(&self, span: Span, run: impl FnOnce() -> Bind<T>) -> Bind<T> {
        let depth = self.calls.get();
        if depth >= CALLS_MAX {
            let text = format!("functions call each other more than {CALLS_MAX} deep");
            return Err(Refusal::at(span, text));
        }
        self.calls.set(depth + 1);
        let result = run();
        self.calls.set(depth);
        result
    }
}

/// The known name that is nearest to one that is unknown, as the end of a sentence.
pub(crate) fn did_you_mean<'n, I: IntoIterator<Item = &'n str>>(name: &str, known: I) -> String {
    let wanted = name.to_lowercase();
    let nearest = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&wanted, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    nearest.map_or_else(String::new, |(_, known)| {
        format!("; did you mean '{known}'?")
    })
}
