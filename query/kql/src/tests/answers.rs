//! What queries give: values, and the columns that nobody named.

use super::check;

#[test]
fn a_table_gives_the_first_value_of_its_first_row() {
    check(
        "let n = toscalar(range x from 1 to 1000 step 1); print n",
        &["n:long", "1"],
    );
    check(
        "print n = toscalar(Calls | project Caller)",
        &["n:string", "ann"],
    );
    check(
        "print n = toscalar(Calls | where false)",
        &["n:datetime", ""],
    );
}
