//! A syntax tree to text: one way to write it, whatever the text was that it came from.

mod expression;
mod literal;
mod operator;

use crate::{
    ast::{Column, Function, Name, Parameter, ParameterType, Property, Query, Statement},
    words,
};

/// Writes a query. Reading what is written gives the same tree again, but for where things stand.
#[must_use]
pub fn print(query: &Query) -> String {
    let mut printer = Printer::default();
    for statement in &query.statements {
        if !printer.text.is_empty() {
            printer.put(";\n");
        }
        printer.statement(statement);
    }
    printer.text
}

#[derive(Default)]
struct Printer {
    text: String,
    /// Parentheses and the like that are open: within them, all stands in one line.
    open: usize,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Items between commas.
    fn list<T>(&mut self, items: &[T], mut one: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            one(self, item);
        }
    }

    /// Something between parentheses, brackets or braces.
    fn within(&mut self, open: &str, close: &str, inside: impl FnOnce(&mut Self)) {
        self.put(open);
        self.open += 1;
        inside(self);
        self.open -= 1;
        self.put(close);
    }

    /// A keyword and the items behind it, or nothing.
    fn clause<T>(&mut self, keyword: &str, items: &[T], one: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.put(keyword);
            self.list(items, one);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let { name, value } => {
                self.put("let ");
                self.name(name);
                self.put(" = ");
                self.tabular(value);
            }
            Statement::Set { name, value } => {
                self.put("set ");
                self.name(name);
                if let Some(value) = value {
                    self.put(" = ");
                    self.expr(value);
                }
            }
            Statement::DeclareParameters(parameters) => {
                self.put("declare query_parameters");
                self.parameters(parameters);
            }
            Statement::Expr(expr) => self.tabular(expr),
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.within("(", ")", |printer| {
            printer.list(parameters, |printer, parameter| {
                printer.name(&parameter.name);
                printer.put(": ");
                match &parameter.ty {
                    ParameterType::Scalar(ty) => printer.put(ty.name()),
                    ParameterType::Tabular(columns) if columns.is_empty() => printer.put("(*)"),
                    ParameterType::Tabular(columns) => printer.columns(columns),
                }
                if let Some(default) = &parameter.default {
                    printer.put(" = ");
                    printer.expr(default);
                }
            });
        });
    }

    fn function(&mut self, function: &Function) {
        if function.is_view {
            self.put("view ");
        }
        self.parameters(&function.parameters);
        self.put(" ");
        self.within("{ ", " }", |printer| {
            for (index, statement) in function.body.iter().enumerate() {
                if index > 0 {
                    printer.put("; ");
                }
                printer.statement(statement);
            }
        });
    }

    fn column(&mut self, column: &Column) {
        if column.name.text == "*" {
            self.put("*");
        } else if !column.name.text.is_empty() {
            self.name(&column.name);
        }
        if let Some(ty) = column.ty {
            if !column.name.text.is_empty() {
                self.put(": ");
            }
            self.put(ty.name());
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        self.within("(", ")", |printer| printer.list(columns, Self::column));
    }

    /// A name, in brackets if it could be taken for something else.
    fn name(&mut self, name: &Name) {
        self.name_if(&name.text, words::prints_bare);
    }

    fn name_if(&mut self, name: &str, is_bare: fn(&str) -> bool) {
        if is_bare(name) {
            self.put(name);
        } else {
            self.put("[");
            self.string(name);
            self.put("]");
        }
    }

    fn property(&mut self, property: &Property) {
        let name = property.name.text.as_str();
        match name.strip_prefix("hint.") {
            Some(hint) if words::is_identifier(hint) => self.put(name),
            _ => self.name_if(name, words::is_identifier),
        }
        self.put(" = ");
        match &property.value.kind {
            crate::ast::ExprKind::Name(word) => self.name_if(&word.text, words::is_option_value),
            _ => self.expr(&property.value),
        }
    }

    /// Options, each with a blank behind it.
    fn properties(&mut self, properties: &[Property]) {
        for property in properties {
            self.property(property);
            self.put(" ");
        }
    }

    /// `with (...)`, if there is anything to say.
    fn with_properties(&mut self, properties: &[Property]) {
        if !properties.is_empty() {
            self.put(" with ");
            self.within("(", ")", |printer| printer.list(properties, Self::property));
        }
    }
}
