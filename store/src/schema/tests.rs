use std::collections::HashSet;

use super::*;

#[test]
fn column_names_are_unique_and_time_comes_first() {
    for table in Table::ALL {
        // DuckDB, which reads the lake too, tells no case apart.
        let names = table.columns().iter().map(|column| column.name);
        let names: HashSet<_> = names.map(str::to_ascii_lowercase).collect();
        assert_eq!(names.len(), table.columns().len(), "{table}");
        assert_eq!(table.columns()[0].name, TIME_COLUMN, "{table}");
        assert_eq!(Table::from_name(table.name()), Some(table));
    }
}
