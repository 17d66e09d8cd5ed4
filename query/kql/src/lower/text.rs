//! Text: patterns for the engine's `like`, lists as JSON text.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Like, ScalarFunction as Call};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
    not,
};
use kql_syntax::ast::Type;
use kql_values::{Dynamic, Value};

use super::Lowering;
use crate::arrays::Reader;
use crate::bound::Bound;
use crate::error::Bind;

/// A text operator as a pattern of `like`.
pub(super) struct Pattern {
    text: String,
    ignores_case: bool,
    is_negated: bool,
}

/// The pattern of an operator and a literal; none for operators that look at terms.
pub(super) fn pattern(name: &str, needle: &Bound) -> Option<Pattern> {
    let Some(Value::String(needle)) = needle.constant() else {
        return None;
    };
    // Case folding of the engine is that of ASCII only as long as the needle is.
    let (name, is_negated) = match name.strip_prefix('!') {
        Some("~") => ("=~", true),
        Some(name) if name != "=" => (name, true),
        _ => (name, false),
    };
    let (kind, ignores_case) = match name.strip_suffix("_cs") {
        Some(kind) => (kind, false),
        None => (name, true),
    };
    let escaped = escape(needle);
    let pattern = match kind {
        "contains" => format!("%{escaped}%"),
        "startswith" => format!("{escaped}%"),
        "endswith" => format!("%{escaped}"),
        "=~" => escaped,
        _ => return None,
    };
    Some(Pattern {
        text: pattern,
        ignores_case,
        is_negated,
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

impl Pattern {
    /// Applied where null text may give null; only for what is not negated.
    pub(super) fn on(self, text: Expr) -> Expr {
        if self.is_negated {
            let text = super::present(text, lit(""));
            return not(self.like(text));
        }
        self.like(text)
    }

    fn like(self, text: Expr) -> Expr {
        let pattern = Box::new(lit(self.text));
        Expr::Like(Like::new(
            false,
            Box::new(text),
            pattern,
            None,
            self.ignores_case,
        ))
    }
}

impl Lowering<'_> {
    /// `contains`, `startswith`, `endswith`, `=~` and their kin with a literal.
    pub(super) fn text_match(
        &self,
        name: &str,
        operand: &Bound,
        needle: &Bound,
    ) -> Bind<Option<Expr>> {
        if operand.ty != Type::String {
            return Ok(None);
        }
        let Some(pattern) = pattern(name, needle) else {
            return Ok(None);
        };
        let is_negated = pattern.is_negated;
        let found = pattern.like(self.text(operand)?);
        Ok(Some(if is_negated { not(found) } else { found }))
    }
}

/// Makes JSON text of Arrow lists.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ListToJson {
    item: Type,
    items_max: usize,
    is_set: bool,
    signature: Signature,
}

/// The JSON text of a list: at most so many items, each once if it is a set; of no list, an empty one.
pub(crate) fn json_of_list(list: Expr, item: Type, items_max: usize, is_set: bool) -> Expr {
    let function = ScalarUDF::from(ListToJson {
        item,
        items_max,
        is_set,
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(Call::new_udf(Arc::new(function), vec![list]))
}

impl ScalarUDFImpl for ListToJson {
    fn name(&self) -> &'static str {
        "list_to_json"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut texts = StringBuilder::new();
        if let Some(lists) = arrays.first() {
            let lists = lists.as_list::<i32>();
            for row in 0..lists.len() {
                let items = (!lists.is_null(row)).then(|| lists.value(row));
                texts.append_value(self.text(items.as_ref())?);
            }
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

impl ListToJson {
    fn text(&self, items: Option<&ArrayRef>) -> Result<String> {
        let Some(items) = items else {
            return Ok("[]".to_owned());
        };
        let reader = Reader::new(items, self.item)?;
        let mut seen = std::collections::HashSet::new();
        let mut list = Vec::new();
        for row in 0..items.len() {
            if list.len() >= self.items_max {
                break;
            }
            // A list of a dynamic's arrays keeps its elements: `make_set` of arrays is one set.
            let parts = match reader.value(row).to_json() {
                Dynamic::Array(parts) if self.is_set && self.item == Type::Dynamic => parts,
                part => vec![part],
            };
            for part in parts {
                if !self.is_set || seen.insert(part.to_string()) {
                    list.push(part);
                }
            }
        }
        list.truncate(self.items_max);
        Ok(Dynamic::Array(list).to_string())
    }
}
