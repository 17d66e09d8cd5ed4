//! Expressions as text, with parentheses where they are needed.

use super::Printer;
use crate::{
    ast::{
        Argument, BinaryOperator, Call, Expr, ExprKind, ListOperator, Literal, NamedExpr, SortKey,
        SortOrder, UnaryOperator,
    },
    logic,
    parser::infix::{is_chain, level, level_of},
    words,
};

/// Binds tighter than any operator.
const PRIMARY: u8 = level::OPERAND + 1;

impl Printer {
    /// An expression where `|` ends it.
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.bound(expr, level::OR);
    }

    /// An expression where `|` is part of it.
    pub(super) fn tabular(&mut self, expr: &Expr) {
        let ExprKind::Pipe { source, operators } = &expr.kind else {
            return self.expr(expr);
        };
        let line = if self.open == 0 { "\n| " } else { " | " };
        if let Some(source) = source {
            self.expr(source);
        }
        for (index, operator) in operators.iter().enumerate() {
            if index > 0 || source.is_some() {
                self.put(line);
            }
            self.operator(operator);
        }
    }

    /// An expression that must bind at least so tightly, or stand in parentheses.
    fn bound(&mut self, expr: &Expr, least: u8) {
        if level(expr) < least {
            self.within("(", ")", |printer| printer.tabular(expr));
        } else {
            self.kind(&expr.kind);
        }
    }

    fn kind(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Name(name) => self.name_if(&name.text, words::prints_bare),
            ExprKind::Wildcard(name) => self.put(&name.text),
            ExprKind::Call(call) => self.call(call),
            ExprKind::CallOn { base, call } => {
                self.base(base);
                self.call(call);
            }
            ExprKind::Path { base, member } => {
                self.base(base);
                self.name_if(&member.text, words::is_member);
            }
            ExprKind::Index { base, index } => {
                self.bound(base, PRIMARY);
                self.within("[", "]", |printer| printer.expr(index));
            }
            ExprKind::Unary { operator, operand } => {
                self.put(match operator {
                    UnaryOperator::Minus => "-",
                    UnaryOperator::Plus => "+",
                });
                self.bound(operand, PRIMARY);
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right),
            ExprKind::List {
                operator,
                operand,
                list,
            } => self.in_list(*operator, operand, list),
            ExprKind::Between {
                negated,
                operand,
                low,
                high,
            } => {
                self.bound(operand, level::RELATION);
                self.put(if *negated { " !between " } else { " between " });
                self.within("(", ")", |printer| {
                    printer.expr(low);
                    printer.put(" .. ");
                    printer.expr(high);
                });
            }
            ExprKind::Function(function) => self.function(function),
            ExprKind::Pipe { .. } | ExprKind::Datatable { .. } | ExprKind::ExternalData { .. } => {
                self.table(kind);
            }
        }
    }

    /// What stands before a dot; a number would take it for its own.
    fn base(&mut self, base: &Expr) {
        if let ExprKind::Literal(Literal::Long(_) | Literal::Real(_)) = base.kind {
            self.within("(", ")", |printer| printer.expr(base));
        } else {
            self.bound(base, PRIMARY);
        }
        self.put(".");
    }

    /// A table among others; what has no name stands in parentheses.
    pub(super) fn table_name(&mut self, expr: &Expr) {
        if is_table_name(expr) {
            self.expr(expr);
        } else {
            self.within("(", ")", |printer| printer.tabular(expr));
        }
    }

    fn table(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Datatable { columns, values } => {
                self.put("datatable");
                self.columns(columns);
                self.within(" [", "]", |printer| printer.list(values, Self::expr));
            }
            ExprKind::ExternalData {
                columns,
                uris,
                properties,
            } => {
                self.put("externaldata");
                self.columns(columns);
                self.within(" [", "]", |printer| printer.list(uris, Self::expr));
                self.with_properties(properties);
            }
            _ => {}
        }
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Expr, right: &Expr) {
        let own = level_of(operator);
        if logic::is_logical(operator) {
            // All operands of the chain, so that its text does not depend on the shape of its tree.
            let mut open = vec![right, left];
            let mut is_first = true;
            while let Some(operand) = open.pop() {
                if let ExprKind::Binary {
                    operator: inner,
                    left,
                    right,
                } = &operand.kind
                    && *inner == operator
                {
                    open.extend([&**right, &**left]);
                    continue;
                }
                if !is_first {
                    self.symbol(operator);
                }
                is_first = false;
                self.bound(operand, own + 1);
            }
            return;
        }
        self.bound(left, if is_chain(own) { own } else { own + 1 });
        self.symbol(operator);
        self.bound(right, own + 1);
    }

    fn symbol(&mut self, operator: BinaryOperator) {
        self.put(" ");
        self.put(operator.sign());
        self.put(" ");
    }

    fn in_list(&mut self, operator: ListOperator, operand: &Expr, list: &[Expr]) {
        self.bound(operand, level::RELATION);
        self.put(" ");
        self.put(operator.sign());
        self.put(" ");
        self.within("(", ")", |printer| match list {
            [only] => printer.tabular(only),
            several => printer.list(several, Self::expr),
        });
    }

    pub(super) fn call(&mut self, call: &Call) {
        let name = call.name.text.as_str();
        self.name_if(name, words::prints_bare_call);
        self.within("(", ")", |printer| match call.arguments.as_slice() {
            [only] if words::takes_rows(name) => printer.tabular(&only.value),
            arguments => printer.list(arguments, Self::argument),
        });
    }

    fn argument(&mut self, argument: &Argument) {
        if let Some(name) = &argument.name {
            self.name(name);
            self.put(" = ");
        }
        self.expr(&argument.value);
    }

    pub(super) fn named(&mut self, named: &NamedExpr) {
        match named.names.as_slice() {
            [] => {}
            [only] => {
                self.name(only);
                self.put(" = ");
            }
            several => {
                self.within("(", ")", |printer| printer.list(several, Self::name));
                self.put(" = ");
            }
        }
        self.expr(&named.value);
    }

    pub(super) fn sort_key(&mut self, key: &SortKey) {
        self.expr(&key.value);
        self.order(key.order);
        match key.nulls {
            Some(crate::ast::Nulls::First) => self.put(" nulls first"),
            Some(crate::ast::Nulls::Last) => self.put(" nulls last"),
            None => {}
        }
    }

    pub(super) fn order(&mut self, order: Option<SortOrder>) {
        self.put(match order {
            Some(SortOrder::Ascending) => " asc",
            Some(SortOrder::Descending) => " desc",
            None => "",
        });
    }
}

/// Whether it is a name, a call, or a path from one.
fn is_table_name(mut expr: &Expr) -> bool {
    loop {
        expr = match &expr.kind {
            ExprKind::Name(_) | ExprKind::Wildcard(_) | ExprKind::Call(_) => return true,
            ExprKind::Path { base, .. }
            | ExprKind::CallOn { base, .. }
            | ExprKind::Index { base, .. } => base,
            _ => return false,
        };
    }
}

/// How tightly an expression binds.
fn level(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Pipe { .. } => 0,
        ExprKind::Binary { operator, .. } => level_of(*operator),
        ExprKind::List { .. } | ExprKind::Between { .. } => level::EQUALITY,
        ExprKind::Unary { .. } => level::OPERAND,
        _ => PRIMARY,
    }
}
