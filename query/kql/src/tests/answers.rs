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

#[test]
fn steps_lead_into_a_dynamic() {
    check(
        "Calls | take 1 | project name = Details.user.name, text = tostring(Details.user.name), \
         tail = Details.user.tags[-1], all = tostring(Details.user.tags), none = Details.user[0], \
         empty = tostring(Details.gone.name), own = Details[strcat('us', 'er')].name",
        &[
            "name:dynamic, text:string, tail:dynamic, all:string, none:dynamic, empty:string, own:dynamic",
            r#"Ann, Ann, b, ["a","b"], , , Ann"#,
        ],
    );
    check(
        "datatable(json: string, key: string, place: long)[\
           '{\"a\": [1.50, {\"b\": \"\\\\u0041\"}]}', 'a', 1, '[]', 'a', 0, 'no', 'a', 0] \
         | extend d = parse_json(json) \
         | project d[key][place], d.a[0], tostring(d.a[1].b), tostring(d[key])",
        &[
            "Column1:dynamic, d_a_0:dynamic, d_a_1_b:string, Column2:string",
            r#"{"b":"A"}, 1.5, A, [1.5,{"b":"A"}]"#,
            ", , , ",
            ", , , ",
        ],
    );
}
