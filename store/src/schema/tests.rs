use std::collections::HashSet;

use super::*;

#[test]
fn column_names_are_unique_and_time_comes_first() {
    for table in Table::ALL {
        let names: HashSet<_> = table.columns().iter().map(|column| column.name).collect();
        assert_eq!(names.len(), table.columns().len(), "{table}");
        assert_eq!(table.columns()[0].name, TIME_COLUMN, "{table}");
        assert_eq!(Table::from_name(table.name()), Some(table));
    }
}
