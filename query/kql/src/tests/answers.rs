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

#[test]
fn an_address_is_looked_up_in_networks() {
    let networks = "let nets = datatable(net: string, who: string)\
        ['10.0.0.0/8', 'wide', ' 10.1.0.0/16', 'near', '2001:db8::/32', 'six', 'none', 'x'];";
    let calls = "datatable(ip: string)['10.1.2.3', '2001:db8::1', '9.9.9.9']";
    check(
        &format!("{networks} {calls} | evaluate ipv4_lookup(nets, ip, net)"),
        &[
            "ip:string, net:string, who:string",
            "10.1.2.3, 10.0.0.0/8, wide",
            "10.1.2.3,  10.1.0.0/16, near",
            "2001:db8::1, 2001:db8::/32, six",
        ],
    );
    check(
        &format!(
            "{networks} {calls} | extend who = 'near' \
             | evaluate ipv4_lookup(nets, ip, net, who, return_unmatched = true) | project ip, net"
        ),
        &[
            "ip:string, net:string",
            "10.1.2.3,  10.1.0.0/16",
            "2001:db8::1, ",
            "9.9.9.9, ",
        ],
    );
    check(
        &format!(
            "{networks} {calls} | take 1 | evaluate ipv4_lookup((nets | take 0), ip, net, true)"
        ),
        &["ip:string, net:string, who:string", "10.1.2.3, , "],
    );
}
