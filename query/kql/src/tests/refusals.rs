//! What is wrong with queries, and where.

use super::refuse;

#[test]
fn a_list_from_a_table_has_a_bound() {
    refuse(
        "Calls | where Bytes in (range x from 1 to 100002 step 1)",
        "line 1, column 25: a list of more than 100000 values; a join takes more",
    );
}
