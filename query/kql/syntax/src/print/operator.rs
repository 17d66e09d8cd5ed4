//! Operators as text.

use super::Printer;
use crate::ast::{
    Expr, Find, Join, MakeSeries, MvExpand, Operator, OperatorKind, Parse, ParsePart,
    PartitionBody, ReorderKey, ReorderOrder, Scan, ScanStep, TopNested, Union,
};

impl Printer {
    pub(super) fn operator(&mut self, operator: &Operator) {
        use OperatorKind as K;
        match &operator.kind {
            K::Where(predicate) => self.keyword_expr("where ", predicate),
            K::Extend(columns) => self.clause("extend ", columns, Self::named),
            K::Project(columns) => self.clause("project ", columns, Self::named),
            K::ProjectAway(columns) => self.clause("project-away ", columns, Self::expr),
            K::ProjectKeep(columns) => self.clause("project-keep ", columns, Self::expr),
            K::ProjectRename(columns) => self.clause("project-rename ", columns, Self::named),
            K::ProjectReorder(keys) => self.clause("project-reorder ", keys, Self::reorder_key),
            K::ProjectByNames(columns) => self.clause("project-by-names ", columns, Self::expr),
            K::Take(count) => self.keyword_expr("take ", count),
            K::Sample(count) => self.keyword_expr("sample ", count),
            K::Distinct(columns) => self.clause("distinct ", columns, Self::named),
            K::Count(name) => {
                self.put("count");
                if let Some(name) = name {
                    self.put(" as ");
                    self.name(name);
                }
            }
            K::Print(columns) => self.clause("print ", columns, Self::named),
            K::GetSchema => self.put("getschema"),
            K::Invoke(call) => {
                self.put("invoke ");
                self.call(call);
            }
            K::Serialize(columns) => {
                self.put("serialize");
                self.clause(" ", columns, Self::named);
            }
            K::Consume(properties) => {
                self.put("consume");
                for property in properties {
                    self.put(" ");
                    self.property(property);
                }
            }
            K::AssertSchema(columns) => {
                self.put("assert-schema ");
                self.columns(columns);
            }
            K::Opaque { text, .. } => self.put(text),
            other => self.rows(other),
        }
    }

    /// Operators that order, group or number rows.
    fn rows(&mut self, kind: &OperatorKind) {
        use OperatorKind as K;
        match kind {
            K::Summarize {
                properties,
                aggregates,
                by,
            } => {
                self.put("summarize ");
                self.properties(properties);
                self.list(aggregates, Self::named);
                self.clause(
                    if aggregates.is_empty() { "by " } else { " by " },
                    by,
                    Self::named,
                );
            }
            K::Sort { properties, keys } => {
                self.put("sort ");
                self.properties(properties);
                self.clause("by ", keys, Self::sort_key);
            }
            K::Top {
                properties,
                count,
                by,
            } => {
                self.put("top ");
                self.properties(properties);
                self.expr(count);
                self.put(" by ");
                self.sort_key(by);
            }
            K::SampleDistinct { count, of } => {
                self.keyword_expr("sample-distinct ", count);
                self.keyword_expr(" of ", of);
            }
            K::TopHitters { count, of, by } => {
                self.keyword_expr("top-hitters ", count);
                self.keyword_expr(" of ", of);
                self.maybe(" by ", by.as_ref());
            }
            K::TopNested(levels) => self.list(levels, Self::top_nested),
            K::Range {
                name,
                from,
                to,
                step,
            } => {
                self.put("range ");
                self.name(name);
                self.keyword_expr(" from ", from);
                self.keyword_expr(" to ", to);
                self.keyword_expr(" step ", step);
            }
            K::Reduce {
                properties,
                by,
                with,
            } => {
                self.put("reduce ");
                self.properties(properties);
                self.keyword_expr("by ", by);
                self.clause(" with ", with, Self::property);
            }
            K::MakeSeries(series) => self.make_series(series),
            K::Scan(scan) => self.scan(scan),
            other => self.tables(other),
        }
    }

    /// Operators that bring in tables, or take rows apart.
    fn tables(&mut self, kind: &OperatorKind) {
        use OperatorKind as K;
        match kind {
            K::Join(join) => self.join("join ", join),
            K::Lookup(join) => self.join("lookup ", join),
            K::Union(union) => self.union(union),
            K::MvExpand(expand) => {
                self.put("mv-expand ");
                self.expanded(expand);
            }
            K::MvApply { expand, body } => {
                self.put("mv-apply ");
                self.expanded(expand);
                self.put(" on ");
                self.body(body);
            }
            K::Parse(parse) => self.parse(parse),
            K::ParseKv {
                value,
                columns,
                properties,
            } => {
                self.keyword_expr("parse-kv ", value);
                self.put(" as ");
                self.columns(columns);
                self.with_properties(properties);
            }
            K::Search {
                properties,
                tables,
                predicate,
            } => {
                self.put("search ");
                self.properties(properties);
                self.searched(tables);
                self.expr(predicate);
            }
            K::Find(find) => self.find(find),
            other => self.parts(other),
        }
    }

    /// Operators with others within, and those that only name something.
    fn parts(&mut self, kind: &OperatorKind) {
        use OperatorKind as K;
        match kind {
            K::As { name, properties } => {
                self.put("as ");
                self.properties(properties);
                self.name(name);
            }
            K::Evaluate {
                properties,
                call,
                schema,
            } => {
                self.put("evaluate ");
                self.properties(properties);
                self.call(call);
                if let Some(columns) = schema {
                    self.put(" : ");
                    self.columns(columns);
                }
            }
            K::Render { chart, properties } => {
                self.put("render ");
                self.put(&chart.text);
                self.with_properties(properties);
            }
            K::Facet { by, with } => {
                self.clause("facet by ", by, Self::expr);
                if !with.is_empty() {
                    self.put(" with ");
                    self.body(with);
                }
            }
            K::Fork(branches) => {
                self.put("fork");
                for branch in branches {
                    self.put(" ");
                    if let Some(name) = &branch.name {
                        self.name(name);
                        self.put(" = ");
                    }
                    self.body(&branch.operators);
                }
            }
            K::Partition {
                properties,
                by,
                body,
            } => {
                self.put("partition ");
                self.properties(properties);
                self.keyword_expr("by ", by);
                self.put(" ");
                match body {
                    PartitionBody::Operators(operators) => self.body(operators),
                    PartitionBody::Expr(expr) => {
                        self.within("{ ", " }", |printer| printer.tabular(expr));
                    }
                }
            }
            _ => {}
        }
    }

    fn keyword_expr(&mut self, keyword: &str, expr: &Expr) {
        self.put(keyword);
        self.expr(expr);
    }

    fn maybe(&mut self, keyword: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.keyword_expr(keyword, expr);
        }
    }

    fn body(&mut self, operators: &[Operator]) {
        self.within("(", ")", |printer| {
            for (index, operator) in operators.iter().enumerate() {
                if index > 0 {
                    printer.put(" | ");
                }
                printer.operator(operator);
            }
        });
    }

    fn reorder_key(&mut self, key: &ReorderKey) {
        self.expr(&key.column);
        self.put(match key.order {
            Some(ReorderOrder::Ascending) => " asc",
            Some(ReorderOrder::Descending) => " desc",
            Some(ReorderOrder::GrannyAscending) => " granny-asc",
            Some(ReorderOrder::GrannyDescending) => " granny-desc",
            None => "",
        });
    }

    fn join(&mut self, keyword: &str, join: &Join) {
        self.put(keyword);
        self.properties(&join.properties);
        self.expr(&join.right);
        self.clause(" on ", &join.on, Self::expr);
    }

    fn union(&mut self, union: &Union) {
        self.put("union ");
        self.properties(&union.properties);
        self.list(&union.inputs, Self::table_name);
    }

    fn expanded(&mut self, expand: &MvExpand) {
        self.properties(&expand.properties);
        self.list(&expand.columns, |printer, column| {
            printer.named(&column.value);
            if let Some(ty) = column.to {
                printer.put(" to typeof(");
                printer.put(ty.name());
                printer.put(")");
            }
        });
        self.maybe(" limit ", expand.limit.as_ref());
    }

    fn parse(&mut self, parse: &Parse) {
        self.put(if parse.filters {
            "parse-where "
        } else {
            "parse "
        });
        self.properties(&parse.properties);
        self.expr(&parse.value);
        self.put(" with");
        for part in &parse.pattern {
            self.put(" ");
            match part {
                ParsePart::Skip => self.put("*"),
                ParsePart::Text(text) => self.string(text),
                ParsePart::Column(column) => self.column(column),
            }
        }
    }

    fn make_series(&mut self, series: &MakeSeries) {
        self.put("make-series ");
        self.properties(&series.properties);
        self.list(&series.aggregates, |printer, aggregate| {
            printer.named(&aggregate.value);
            printer.maybe(" default = ", aggregate.default.as_ref());
        });
        self.put(" on ");
        self.named(&series.axis);
        match (&series.from, &series.to) {
            (Some(from), Some(to)) if series.includes_end => {
                self.put(" in range");
                self.within("(", ")", |printer| {
                    printer.expr(from);
                    printer.keyword_expr(", ", to);
                    printer.keyword_expr(", ", &series.step);
                });
            }
            (from, to) => {
                self.maybe(" from ", from.as_ref());
                self.maybe(" to ", to.as_ref());
                self.keyword_expr(" step ", &series.step);
            }
        }
        self.clause(" by ", &series.by, Self::named);
    }

    fn scan(&mut self, scan: &Scan) {
        self.put("scan ");
        self.properties(&scan.properties);
        if !scan.order_by.is_empty() {
            self.clause("order by ", &scan.order_by, Self::sort_key);
            self.put(" ");
        }
        if !scan.partition_by.is_empty() {
            self.clause("partition by ", &scan.partition_by, Self::expr);
            self.put(" ");
        }
        if !scan.declare.is_empty() {
            self.put("declare ");
            self.parameters(&scan.declare);
            self.put(" ");
        }
        self.put("with ");
        self.within("(", ")", |printer| {
            for (index, step) in scan.steps.iter().enumerate() {
                if index > 0 {
                    printer.put(" ");
                }
                printer.scan_step(step);
            }
        });
    }

    fn scan_step(&mut self, step: &ScanStep) {
        self.put("step ");
        self.name(&step.name);
        if step.is_optional {
            self.put(" optional");
        }
        if let Some(output) = &step.output {
            self.put(" output = ");
            self.put(&output.text);
        }
        self.keyword_expr(": ", &step.condition);
        self.clause(" => ", &step.assignments, Self::named);
        self.put(";");
    }

    fn top_nested(&mut self, level: &TopNested) {
        self.put("top-nested ");
        if let Some(count) = &level.count {
            self.expr(count);
            self.put(" ");
        }
        self.put("of ");
        self.named(&level.of);
        self.maybe(" with others = ", level.others.as_ref());
        self.put(" by ");
        self.named(&level.by);
        self.order(level.order);
    }

    fn searched(&mut self, tables: &[Expr]) {
        if !tables.is_empty() {
            self.put("in ");
            self.within("(", ")", |printer| printer.list(tables, Self::table_name));
            self.put(" ");
        }
    }

    fn find(&mut self, find: &Find) {
        self.put("find ");
        self.properties(&find.properties);
        self.searched(&find.tables);
        self.keyword_expr("where ", &find.predicate);
        self.clause(" project ", &find.project, |printer, column| {
            if column.name.text == "*" {
                printer.put("pack(*)");
            } else {
                printer.column(column);
            }
        });
        self.clause(" project-away ", &find.project_away, Self::expr);
    }
}
