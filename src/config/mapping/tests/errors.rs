use crate::config::Config;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let error = Config::from_text(text).unwrap_err().to_string();
    for words in expected {
        assert!(error.contains(words), "no '{words}' in: {error}");
    }
}

/// A mapping that is right but for one column, which is on line 6.
#[track_caller]
fn check_column(column: &str, expected: &[&str]) {
    let head =
        "[[mapping]]\nname = 'm'\nmatch = ['/a', '/b']\n[mapping.columns]\nTimeGenerated = '/t'\n";
    let text = format!("{head}{column}\n");
    let name = column.split([' ', '=']).next().unwrap();
    check(&text, &["line 6, ", "mapping 'm'", name]);
    check(&text, expected);
}

#[test]
fn columns_are_checked() {
    check_column("CallerIp = '/ip'", &["the nearest is CallerIpAddress"]);
    check_column("totaltime = '/ip'", &["the nearest is TotalTime"]);
    check_column(
        "Type = '/ip'",
        &["no column of this name that can be mapped"],
    );
    check_column(
        "TotalTime = '/d'",
        &["needs the unit of its duration", "\"ms\""],
    );
    check_column(
        "TotalTime = { path = '/d', unit = 'sec' }",
        &["unit = \"sec\" is none of s, ms, us, ns"],
    );
    check_column(
        "Method = { path = '/d', unit = 's' }",
        &["holds neither a duration nor a time"],
    );
    check_column("Method = 'd'", &["'d' is no JSON Pointer", "write '/d'"]);
    check_column("Method = { path = '/a~b' }", &["is no JSON Pointer"]);
    check_column("Method = { paht = '/a' }", &["unknown key paht", "path"]);
    check_column(
        "Method = { path = '/a', value = 'b' }",
        &["needs one of path, value, url, object"],
    );
    check_column("Method = { value = 'b', unit = 's' }", &["go with path"]);
    check_column("Method = []", &["has no source"]);
    check_column("Method = 5", &["5 is no source"]);
    check_column(
        "Method = { path = '/a', part = 'verb' }",
        &["part = \"verb\" is none of method, target"],
    );
    check_column(
        "Method = { path = '/a', item = 2 }",
        &["item = 2 is none of first, last"],
    );
    check_column(
        "Method = { path = '/a', map = {} }",
        &["map is a table of texts"],
    );
    check_column(
        "Method = { path = '/a', when = { path = '/b', equal = 1 } }",
        &["when: unknown key equal"],
    );
    check_column(
        "ResponseCode = { value = 'many' }",
        &["'many' is no value of a column of type Int"],
    );
    check_column(
        "ResponseCode = { path = '/a', below = 400 }",
        &["boolean column"],
    );
    check_column(
        "ResponseCode = { url = { path = '/a' } }",
        &["needs a column with text"],
    );
    check_column("Url = { url = { host = '/a' } }", &["url needs a path"]);
    check_column(
        "Url = { object = { a = '/a' } }",
        &["needs a dynamic column"],
    );
    check_column(
        "RequestHeaders = { object = { a = { object = { b = '/c' } } } }",
        &["nested too deep"],
    );
}

#[test]
fn bounds_are_checked() {
    check_column(
        "IsRequestSuccess = { path = '/a', from = 400, below = 200 }",
        &["no number is from 400 on and below 200"],
    );
    check_column(
        "IsRequestSuccess = { path = '/a', from = nan }",
        &["no number is from NaN on"],
    );
    check_column(
        "Method = { path = '/a', when = { path = '/b', from = 'x' } }",
        &["when: from: \"x\" is no number"],
    );
    check_column(
        "Method = { path = '/a', when = { path = '/b', equals = 1, from = 1 } }",
        &["when: a condition has one of present"],
    );
}

#[test]
fn mappings_are_checked() {
    let time = "[mapping.columns]\nTimeGenerated = '/t'\n";
    let mapping = |name: &str, matching: &str| {
        format!("[[mapping]]\nname = '{name}'\nmatch = {matching}\n{time}")
    };
    check(
        "[[mapping]]\nname = 'm'\nmatch = ['/a', '/b']\n",
        &["line 2", "mapping 'm'", "no column TimeGenerated"],
    );
    check(&mapping("m", "'/a'"), &["line 2", "not specific enough"]);
    check(
        &mapping("m", "['/time', '/category', '/level']"),
        &["not specific enough"],
    );
    check(
        &format!("[[mapping]]\nname = 'm'\n{time}"),
        &["not specific enough"],
    );
    check(
        &mapping("m", "{ path = [] }"),
        &["line 3", "match: a condition needs a path"],
    );
    check(
        "[[mapping]]\nname = 'm'\npreset = 'ngnix'\n",
        &["line 3", "no preset 'ngnix'", "kong, envoy, nginx"],
    );
    check(
        "[[mapping]]\nname = 'm'\nformat = 'xml'\n",
        &["line 3", "neither json nor combined"],
    );
    check("[[mapping]]\nname = ''\n", &["line 2", "needs a name"]);
    check(
        "[[mapping]]\nname = 'm'\nmach = '/a'\n",
        &["line 3", "unknown field `mach`"],
    );
    check(
        "presets_disabled = ['ngnix']\n",
        &["presets_disabled", "no preset 'ngnix'"],
    );
    let many: String = (0..65)
        .map(|index| mapping(&format!("m{index}"), &format!("['/a', '/m{index}']")))
        .collect();
    check(&many, &["mapping 'm64'", "more than 64 mappings"]);
    let both = ["['/a', '/b']", "['/b', '/a']"]
        .map(|matching| mapping("m", matching))
        .concat();
    check(&both, &["line 7", "two mappings have this name"]);
}

#[test]
fn a_mapping_that_never_gets_a_record_is_an_error() {
    let mapping = |name: &str, matching: &str| {
        format!(
            "[[mapping]]\nname = '{name}'\nmatch = {matching}\n[mapping.columns]\nTimeGenerated = '/t'\n"
        )
    };
    let shadowed = mapping("a", "['/x', '/y']") + &mapping("b", "['/x', '/y', '/z']");
    check(
        &shadowed,
        &[
            "line 7",
            "mapping 'b'",
            "never gets a record: mapping 'a' before it",
        ],
    );
    let ordered = mapping("b", "['/x', '/y', '/z']") + &mapping("a", "['/x', '/y']");
    Config::from_text(&ordered).unwrap();
    let apart = mapping("a", "{ path = '/k', equals = 'x' }")
        + &mapping("b", "{ path = '/k', equals = 'y' }");
    Config::from_text(&apart).unwrap();
}
