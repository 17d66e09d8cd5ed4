//! Tabular expressions and statements.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{
    Call, Expr, ExprKind, Function, Name, OperatorKind, ParameterType, Statement,
};
use kql_values::Value;

use super::{Binder, Binding, Row, Scope, did_you_mean};
use crate::catalog::Source;
use crate::error::{Bind, Refusal};
use crate::relation::Relation;

/// Functions of the language and of Sentinel that give a table.
const TABLE_FUNCTIONS: [&str; 6] = [
    "table",
    "_GetWatchlist",
    "_ASIM_GetWatchlistRaw",
    "materialize",
    "view",
    "totable",
];

/// Most columns that one operator finds in a table whose columns nobody knows.
const OPEN_COLUMNS_MAX: usize = 64;

impl Binder<'_> {
    /// Binds a statement; gives a result if it is an expression.
    pub(crate) fn statement(
        &self,
        statement: &Statement,
        scope: &Rc<Scope>,
    ) -> Bind<Option<Relation>> {
        match statement {
            Statement::Let { name, value } => {
                let binding = self.let_value(value, scope)?;
                scope.define(name.text.clone(), binding);
                Ok(None)
            }
            Statement::Set { name, value } => {
                if let Some(value) = value {
                    let bound = match &value.kind {
                        ExprKind::Name(word) => crate::bound::Bound::string(word.text.clone()),
                        _ => self.constant(value, scope)?,
                    };
                    scope.define(format!("\u{1}set {}", name.text), Binding::Scalar(bound));
                }
                Ok(None)
            }
            Statement::DeclareParameters(parameters) => {
                for parameter in parameters {
                    let ParameterType::Scalar(ty) = &parameter.ty else {
                        return Err(Refusal::at(
                            parameter.name.span,
                            "a parameter of the query is one value",
                        ));
                    };
                    let given = self
                        .environment
                        .parameters
                        .iter()
                        .find(|(name, _)| *name == parameter.name.text);
                    let bound = match (given, &parameter.default) {
                        (Some((_, text)), _) => crate::plan::parameter(text, *ty),
                        (None, Some(default)) => self.constant(default, scope)?.convert(*ty),
                        (None, None) => {
                            let text =
                                format!("the parameter '{}' has no value", parameter.name.text);
                            return Err(Refusal::at(parameter.name.span, text));
                        }
                    };
                    scope.define(parameter.name.text.clone(), Binding::Scalar(bound));
                }
                Ok(None)
            }
            Statement::Expr(expr) => self.tabular(expr, scope).map(Some),
        }
    }

    fn let_value(&self, value: &Expr, scope: &Rc<Scope>) -> Bind<Binding> {
        if let ExprKind::Function(function) = &value.kind {
            return Ok(Binding::Function(
                Rc::from(function.clone()),
                Rc::clone(scope),
            ));
        }
        if self.is_tabular(value, &Row::default(), scope) {
            return Ok(Binding::Tabular(self.tabular(value, scope)?));
        }
        Ok(Binding::Scalar(self.scalar(
            value,
            &Row::default(),
            scope,
        )?))
    }

    /// Whether an expression is a table, as far as its form and the names in it tell.
    pub(crate) fn is_tabular(&self, expr: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> bool {
        match &expr.kind {
            ExprKind::Pipe { .. } | ExprKind::Datatable { .. } | ExprKind::ExternalData { .. } => {
                true
            }
            ExprKind::Name(name) => {
                if row.columns.iter().any(|(column, _)| *column == name.text) {
                    return false;
                }
                match scope.find(&name.text) {
                    Some(Binding::Tabular(_)) => true,
                    Some(Binding::Function(function, home)) => self.gives_table(&function, &home),
                    Some(Binding::Scalar(_)) => false,
                    None => self.is_known_table(&name.text),
                }
            }
            ExprKind::Call(call) => match call.name.text.as_str() {
                "materialize" => call
                    .arguments
                    .first()
                    .is_some_and(|first| self.is_tabular(&first.value, row, scope)),
                name => match scope.find(name) {
                    Some(Binding::Function(function, home)) => self.gives_table(&function, &home),
                    Some(_) => false,
                    None => {
                        TABLE_FUNCTIONS.contains(&name)
                            || self
                                .environment
                                .catalog
                                .functions()
                                .iter()
                                .any(|known| known == name)
                    }
                },
            },
            ExprKind::Path { base, .. } | ExprKind::CallOn { base, .. } => is_database(base),
            _ => false,
        }
    }

    pub(super) fn is_known_table(&self, name: &str) -> bool {
        let catalog = self.environment.catalog;
        catalog.tables().iter().any(|table| table == name)
            || catalog.functions().iter().any(|known| known == name)
    }

    fn gives_table(&self, function: &Function, home: &Rc<Scope>) -> bool {
        let Some(Statement::Expr(result)) = function.body.last() else {
            return false;
        };
        if let ExprKind::Name(name) = &result.kind {
            let is_it = |parameter: &&kql_syntax::ast::Parameter| parameter.name.text == name.text;
            if let Some(parameter) = function.parameters.iter().find(is_it) {
                return matches!(parameter.ty, ParameterType::Tabular(_));
            }
            let defined = function
                .body
                .iter()
                .rev()
                .find_map(|statement| match statement {
                    Statement::Let {
                        name: defined,
                        value,
                    } if defined.text == name.text => Some(value),
                    _ => None,
                });
            if let Some(value) = defined {
                return self.is_tabular(value, &Row::default(), home);
            }
        }
        self.is_tabular(result, &Row::default(), home)
    }

    /// Binds a tabular expression.
    #[recursive::recursive]
    pub(crate) fn tabular(&self, expr: &Expr, scope: &Rc<Scope>) -> Bind<Relation> {
        match &expr.kind {
            ExprKind::Name(name) => self.named_table(name, scope),
            ExprKind::Call(call) => self.table_call(call, expr.span, scope),
            ExprKind::Path { base, member } if is_database(base) => {
                self.named_table(member, &Rc::new(Scope::default()))
            }
            ExprKind::CallOn { base, call } if is_database(base) => {
                self.table_call(call, expr.span, &Rc::new(Scope::default()))
            }
            ExprKind::Pipe { source, operators } => {
                let mut operators = operators.iter();
                let mut relation = match source {
                    Some(source) => self.tabular(source, scope)?,
                    None => {
                        let Some(first) = operators.next() else {
                            return Err(Refusal::at(expr.span, "an operator is missing"));
                        };
                        self.source_operator(first, scope)?
                    }
                };
                let rest = operators.as_slice();
                for (place, operator) in rest.iter().enumerate() {
                    let after = rest.get(place + 1..).unwrap_or_default();
                    relation = self.opened(relation, |relation| {
                        let relation = match &operator.kind {
                            OperatorKind::Join(join) => {
                                self.filtered_before(relation, join, after, scope)?
                            }
                            _ => relation,
                        };
                        self.operator_on(relation, operator, scope)
                    })?;
                    relation.is_open &= !closes(&operator.kind);
                }
                Ok(relation)
            }
            ExprKind::Datatable { columns, values } => self.datatable(columns, values, scope),
            ExprKind::ExternalData {
                columns,
                uris,
                properties,
            } => self.external_data(columns, uris, properties, scope),
            ExprKind::Path { base, .. } if asks_elsewhere(base) => Err(Refusal::at(
                expr.span,
                "arg() and adx() ask Azure's own services, which are not reached from here",
            )),
            _ => Err(Refusal::at(expr.span, "a table is needed here")),
        }
    }

    /// Does something with a table. Of one whose columns nobody knows yet, those that are asked for are empty text.
    pub(crate) fn opened<T>(
        &self,
        mut relation: Relation,
        act: impl Fn(Relation) -> Bind<T>,
    ) -> Bind<T> {
        if !relation.is_open {
            return act(relation);
        }
        let mut left = OPEN_COLUMNS_MAX;
        loop {
            match act(relation.clone()) {
                Err(Refusal::Unknown(name, ..)) if left > 0 && !relation.has(&name) => {
                    let added = vec![(name, crate::bound::Bound::string(""))];
                    relation = relation.extend(self.frame(), added)?;
                    left -= 1;
                }
                result => return result,
            }
        }
    }

    fn named_table(&self, name: &Name, scope: &Rc<Scope>) -> Bind<Relation> {
        match scope.find(&name.text) {
            Some(Binding::Tabular(relation)) => {
                self.count_parts(&relation.plan, name.span)?;
                return Ok(Relation {
                    name: Some(name.text.clone()),
                    ..relation
                });
            }
            Some(Binding::Function(function, home)) => {
                let relation = self.call_tabular(&function, &home, Vec::new(), name.span)?;
                return Ok(Relation {
                    name: Some(name.text.clone()),
                    ..relation
                });
            }
            Some(Binding::Scalar(_)) => {
                return Err(Refusal::at(
                    name.span,
                    format!("'{}' is one value, and a table is needed here", name.text),
                ));
            }
            None => {}
        }
        if let Some(source) = self.environment.catalog.table(&name.text)? {
            return Ok(from_source(source, &name.text));
        }
        if let Some(function) = self.stored(&name.text, name.span)? {
            let home = Rc::new(Scope::default());
            return self.call_tabular(&function, &home, Vec::new(), name.span);
        }
        let lets = scope.names();
        let tables = self.environment.catalog.tables();
        let functions = self.environment.catalog.functions();
        let known = tables
            .iter()
            .chain(&functions)
            .chain(&lets)
            .map(String::as_str);
        let text = format!(
            "there is no table '{}'{}",
            name.text,
            did_you_mean(&name.text, known)
        );
        Err(Refusal::at(name.span, text))
    }

    fn table_call(&self, call: &Call, span: Span, scope: &Rc<Scope>) -> Bind<Relation> {
        let name = call.name.text.as_str();
        let first = call.arguments.first().map(|argument| &argument.value);
        if let Some(Binding::Function(function, home)) = scope.find(name) {
            let arguments = self.arguments(&call.arguments, &Row::default(), scope)?;
            return self.call_tabular(&function, &home, arguments, span);
        }
        match (name, first) {
            ("materialize", Some(inner)) => {
                return crate::operators::kept(self.tabular(inner, scope)?);
            }
            ("table", Some(table)) => {
                let bound = self.constant(table, scope)?;
                if let Some(Value::String(text)) = bound.constant() {
                    let name = Name {
                        text: text.clone(),
                        span,
                    };
                    return self.named_table(&name, scope);
                }
            }
            ("_GetWatchlist" | "_ASIM_GetWatchlistRaw", Some(alias)) => {
                let bound = self.constant(alias, scope)?;
                if let Some(Value::String(text)) = bound.constant() {
                    let found = self.environment.catalog.watchlist(text)?;
                    let source = found.ok_or_else(|| {
                        Refusal::at(span, format!("there is no watchlist '{text}'"))
                    })?;
                    return Ok(from_source(source, name));
                }
            }
            _ => {}
        }
        if let Some(function) = self.stored(name, span)? {
            let arguments = self.arguments(&call.arguments, &Row::default(), scope)?;
            return self.call_tabular(&function, &Rc::new(Scope::default()), arguments, span);
        }
        if let Some(reason) = super::call::refused(name) {
            let text = format!("{name}() is not served: {reason}");
            return Err(Refusal::at(call.name.span, text));
        }
        let lets = scope.names();
        let functions = self.environment.catalog.functions();
        let known = functions.iter().chain(&lets).map(String::as_str);
        let text = format!(
            "there is no function '{name}' that gives a table{}",
            did_you_mean(name, known)
        );
        Err(Refusal::at(call.name.span, text))
    }
}

fn from_source(source: Source, name: &str) -> Relation {
    Relation {
        name: Some(name.to_owned()),
        is_open: source.is_open,
        ..Relation::new(source.plan, source.columns)
    }
}

/// Operators that say what columns there are from then on.
fn closes(operator: &OperatorKind) -> bool {
    matches!(
        operator,
        OperatorKind::Project(_) | OperatorKind::ProjectKeep(_) | OperatorKind::ProjectByNames(_)
    )
}

fn asks_elsewhere(base: &Expr) -> bool {
    matches!(&base.kind, ExprKind::Call(call) if ["arg", "adx"].contains(&call.name.text.as_str()))
}

/// `database("x")`, `cluster("x").database("y")`, `workspace("x")`: there is one database, whatever its name.
pub(crate) fn is_database(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => matches!(
            call.name.text.as_str(),
            "database" | "workspace" | "app" | "cluster"
        ),
        ExprKind::Path { base, .. } | ExprKind::CallOn { base, .. } => is_database(base),
        _ => false,
    }
}
