//! `parse`, `parse-where`, `parse-kv`: columns out of text.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as Plan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use kql_syntax::ast::{Column, Expr, Parse, ParsePart, Property, Type};
use kql_values::{Value, plain_classes};
use regex::{Regex, RegexBuilder};

use super::{property, typed, word};
use crate::arrays::{arrow_type, build, strings};
use crate::bind::{Binder, Row, Scope};
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::relation::{Hidden, Relation};

/// Longest pattern of `parse`, in bytes.
const PATTERN_BYTES_MAX: usize = 16 << 10;

impl Binder<'_> {
    pub(super) fn parse(
        &self,
        input: Relation,
        parse: &Parse,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let value = self
            .scalar(&parse.value, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let text = input.lowering(self.frame()).expr(&value)?;
        let kind = word(&parse.properties, "kind").unwrap_or_else(|| "simple".to_owned());
        let flags = word(&parse.properties, "flags").unwrap_or_default();
        let columns: Vec<(String, Type)> = parse
            .pattern
            .iter()
            .filter_map(|part| match part {
                ParsePart::Column(column) => {
                    Some((column.name.text.clone(), column.ty.unwrap_or(Type::String)))
                }
                _ => None,
            })
            .collect();
        let pattern = pattern_of(&parse.pattern, kind.eq_ignore_ascii_case("regex"));
        let regex =
            compile(&pattern, &flags).map_err(|text| Refusal::at(parse.value.span, text))?;
        let is_relaxed = kind.eq_ignore_ascii_case("relaxed");
        let types: Vec<_> = columns.iter().map(|(_, ty)| *ty).collect();
        let run = move |text: &str| captured(&regex, text, &types, is_relaxed);
        let call = TextColumns {
            key: format!("{kind} {flags} {pattern} {columns:?}"),
            columns: columns.clone(),
            run: Arc::new(run),
            signature: Signature::any(1, Volatility::Immutable),
        };
        let (mut parsed, found) = self.add_parsed(input, call, text, &columns)?;
        if parse.filters {
            parsed.plan = parsed.builder().filter(found)?.build()?;
        }
        without_parsed(parsed)
    }

    pub(super) fn parse_kv(
        &self,
        input: Relation,
        value: &Expr,
        (columns, properties): (&[Column], &[Property]),
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let value = self
            .scalar(value, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let text = input.lowering(self.frame()).expr(&value)?;
        let option = |name: &str| {
            property(properties, name)
                .map(|expr| {
                    self.constant(expr, scope)
                        .map(|bound| bound.constant().map_or_else(String::new, Value::to_text))
                })
                .transpose()
        };
        let columns = typed(columns);
        let regex = match option("regex")? {
            Some(pattern) => Some(
                compile(&pattern, "")
                    .map_err(|text| Refusal::at(kql_syntax::Span::default(), text))?,
            ),
            None => None,
        };
        let settings = kv::Settings {
            pair: option("pair_delimiter")?,
            between: option("kv_delimiter")?,
            quotes: option("quote")?
                .unwrap_or_else(|| "\"".to_owned())
                .chars()
                .collect(),
            escape: option("escape")?.and_then(|text| text.chars().next()),
            is_greedy: word(properties, "greedy")
                .is_some_and(|word| word.eq_ignore_ascii_case("true")),
            regex,
        };
        let key = format!("{settings:?} {columns:?}");
        let wanted = columns.clone();
        let call = TextColumns {
            key,
            columns: columns.clone(),
            run: Arc::new(move |text: &str| Some(kv::values(text, &settings, &wanted))),
            signature: Signature::any(1, Volatility::Immutable),
        };
        let (parsed, _) = self.add_parsed(input, call, text, &columns)?;
        without_parsed(parsed)
    }

    /// The columns that a text gives, and the condition that it gave them.
    fn add_parsed(
        &self,
        input: Relation,
        call: TextColumns,
        text: Plan,
        columns: &[(String, Type)],
    ) -> Bind<(Relation, Plan)> {
        let name = self.fresh("parsed");
        let call = Plan::ScalarFunction(ScalarFunction::new_udf(
            Arc::new(ScalarUDF::from(call)),
            vec![text],
        ));
        let hidden = Hidden {
            name: name.clone(),
            ty: Type::Dynamic,
            is_key: false,
        };
        let parsed = input.add_hidden(hidden, call)?;
        let mut all = parsed.as_they_are();
        for (place, (target, ty)) in columns.iter().enumerate() {
            let field = get_field(column(&name), format!("v{place}"));
            match all.iter_mut().find(|(taken, _, _)| taken == target) {
                Some(slot) => *slot = (target.clone(), *ty, field),
                None => all.push((target.clone(), *ty, field)),
            }
        }
        let found = get_field(column(&name), "found");
        let parsed = parsed.project_lowered(all)?;
        Ok((parsed, found))
    }
}

/// The rows without the column in which all values of a text stand.
fn without_parsed(mut parsed: Relation) -> Bind<Relation> {
    let columns = parsed.columns.iter();
    let names: Vec<_> = columns.map(|(name, _)| name.clone()).collect();
    let hidden = &mut parsed.hidden;
    hidden.retain(|hidden| !hidden.name.starts_with("\u{1}parsed"));
    parsed.select(&names)
}

/// The pattern of `parse` as one regular expression with a group for each column.
fn pattern_of(parts: &[ParsePart], is_regex: bool) -> String {
    let mut pattern = String::from("^");
    let mut number = 0_usize;
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len();
        match part {
            ParsePart::Skip if is_last => {}
            ParsePart::Skip => pattern.push_str(if is_regex { ".*?" } else { "(?s:.*?)" }),
            ParsePart::Text(text) if is_regex => pattern.push_str(text),
            ParsePart::Text(text) => pattern.push_str(&regex::escape(text)),
            ParsePart::Column(column) => {
                let ty = column.ty.unwrap_or(Type::String);
                let next = parts.get(place + 1);
                let is_open = !matches!(next, Some(ParsePart::Text(_)));
                let group = group(ty, is_regex, is_open);
                // By name, for a regular expression may have groups of its own.
                pattern.extend(["(?P<v", &number.to_string(), ">", group, ")"]);
                number += 1;
                let is_text = !matches!(ty, Type::Int | Type::Long | Type::Real | Type::Decimal);
                if is_last && is_text {
                    pattern.push('$');
                }
            }
        }
    }
    pattern
}

/// The group of a column. A number that nothing marks the end of ends itself.
fn group(ty: Type, is_regex: bool, is_open: bool) -> &'static str {
    let is_whole = matches!(ty, Type::Int | Type::Long);
    let is_number = is_whole || matches!(ty, Type::Real | Type::Decimal);
    match (is_regex || is_open) && is_number {
        true if is_whole => r"[+-]?\d*",
        true => r"[+-]?\d*(?:\.\d+)?(?:[eE][+-]?\d+)?",
        false if is_regex => ".*",
        false if is_open => "(?s:.*)",
        false => "(?s:.*?)",
    }
}

fn compile(pattern: &str, flags: &str) -> std::result::Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!(
            "the pattern is longer than {PATTERN_BYTES_MAX} bytes"
        ));
    }
    RegexBuilder::new(&plain_classes(pattern))
        .swap_greed(flags.contains('U'))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(8 << 20)
        .build()
        .map_err(|error| format!("the pattern is no regular expression: {error}"))
}

/// The values of the groups; none if the text does not match, or a value is not of its type.
fn captured(regex: &Regex, text: &str, types: &[Type], is_relaxed: bool) -> Option<Vec<Value>> {
    let groups = regex.captures(text)?;
    let mut values = Vec::with_capacity(types.len());
    for (place, ty) in types.iter().enumerate() {
        let group = groups.name(&format!("v{place}"));
        let text = group.map_or("", |group| group.as_str());
        let trimmed = if *ty == Type::String {
            text
        } else {
            text.trim()
        };
        let value = Value::String(trimmed.to_owned()).convert(*ty);
        if value.is_null() && !is_relaxed {
            return None;
        }
        values.push(value);
    }
    Some(values)
}

type RunText = Arc<dyn Fn(&str) -> Option<Vec<Value>> + Send + Sync>;

/// Several typed columns out of one text.
struct TextColumns {
    key: String,
    columns: Vec<(String, Type)>,
    run: RunText,
    signature: Signature,
}

impl fmt::Debug for TextColumns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key)
    }
}

impl PartialEq for TextColumns {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for TextColumns {}

impl Hash for TextColumns {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl TextColumns {
    fn fields(&self) -> Fields {
        let fields = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, (_, ty))| Field::new(format!("v{place}"), arrow_type(*ty), true));
        fields
            .chain([Field::new("found", DataType::Boolean, true)])
            .collect()
    }
}

impl ScalarUDFImpl for TextColumns {
    fn name(&self) -> &'static str {
        "parse"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(self.fields()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let mut cells: Vec<Vec<Value>> = vec![Vec::with_capacity(rows); self.columns.len() + 1];
        if let Some(text) = arguments.args.first() {
            let texts = strings(&text.to_array(rows)?)?;
            for row in 0..rows {
                let is_missing = texts.is_null(row);
                let text = if is_missing { "" } else { texts.value(row) };
                let values = (self.run)(text);
                let found = Value::Bool(values.is_some());
                let nulls = std::iter::repeat_n(Value::Null, self.columns.len());
                let values = values.unwrap_or_default().into_iter().chain(nulls);
                let row = values.take(self.columns.len()).chain([found]);
                for (column, value) in cells.iter_mut().zip(row) {
                    column.push(value);
                }
            }
        }
        let fields = self.fields();
        let columns = cells
            .iter()
            .zip(&fields)
            .map(|(cells, field)| build(cells, field.data_type()))
            .collect::<Result<Vec<ArrayRef>>>()?;
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(
            fields, columns, None,
        )?)))
    }
}

mod kv;
