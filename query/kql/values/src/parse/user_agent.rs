//! User agents: browser, operating system, device.
//!
//! By tables of the names that common clients send, with the family names that the ua-parser project gives them; a
//! rare client is "Other". It needs no list of a thousand expressions, and takes one pass for each name.

use serde_json::Map;

use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::parse::bag;
use crate::value::{Dynamic, Value};

/// Longest text that is looked at, in bytes.
const BYTES_MAX: usize = 4_096;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function(
        "parse_user_agent(user_agent: string, look_for?: any): dynamic",
        parse_user_agent,
    )];
    table.into_iter().flatten().collect()
}

fn parse_user_agent(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (Some(Value::String(text)), look_for) = (arguments.first(), arguments.get(1)) else {
        return Ok(Value::Null);
    };
    let wanted: Vec<&str> = match look_for {
        None => vec!["browser", "os", "device"],
        Some(Value::String(one) | Value::Dynamic(Dynamic::String(one))) => vec![one.as_str()],
        Some(Value::Dynamic(Dynamic::Array(several))) => {
            several.iter().filter_map(Dynamic::as_str).collect()
        }
        Some(_) => return Ok(Value::Null),
    };
    let end = text.floor_char_boundary(BYTES_MAX);
    let text = text.get(..end).unwrap_or_default();
    let mut found = Map::new();
    for name in wanted {
        let (key, part) = match name.to_ascii_lowercase().as_str() {
            "browser" => ("Browser", browser(text)),
            "os" => ("OperatingSystem", operating_system(text)),
            "device" => ("Device", device(text)),
            _ => {
                return Err(Failure(format!(
                    "parse_user_agent cannot look for '{name}': it knows 'browser', 'os' and 'device'"
                )));
            }
        };
        found.insert(key.to_owned(), part);
    }
    Ok(Value::Dynamic(Dynamic::Object(found)))
}

/// What a client calls itself before its version, and its family; whoever borrows another's name comes first.
const BROWSERS: [(&str, &str); 45] = [
    ("Googlebot/", "Googlebot"),
    ("bingbot/", "bingbot"),
    ("YandexBot/", "YandexBot"),
    ("Baiduspider/", "Baiduspider"),
    ("DuckDuckBot/", "DuckDuckBot"),
    ("AhrefsBot/", "AhrefsBot"),
    ("SemrushBot/", "SemrushBot"),
    ("facebookexternalhit/", "FacebookBot"),
    ("Twitterbot/", "Twitterbot"),
    ("Applebot/", "Applebot"),
    ("AdobeAIR/", "AdobeAIR"),
    ("EdgiOS/", "Edge Mobile"),
    ("EdgA/", "Edge Mobile"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("Opera Mini/", "Opera Mini"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("UCBrowser/", "UC Browser"),
    ("DuckDuckGo/", "DuckDuckGo Mobile"),
    ("Electron/", "Electron"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("FxiOS/", "Firefox iOS"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Thunderbird/", "Thunderbird"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "IE"),
    ("PostmanRuntime/", "PostmanRuntime"),
    ("python-requests/", "Python Requests"),
    ("Python-urllib/", "Python-urllib"),
    ("aiohttp/", "aiohttp"),
    ("Go-http-client/", "Go-http-client"),
    ("okhttp/", "okhttp"),
    ("Apache-HttpClient/", "Apache-HttpClient"),
    ("axios/", "axios"),
    ("node-fetch/", "node-fetch"),
    ("sqlmap/", "sqlmap"),
    ("Nikto/", "Nikto"),
    ("Wget/", "Wget"),
    ("curl/", "curl"),
    ("Java/", "Java"),
];

fn browser(text: &str) -> Dynamic {
    let named = BROWSERS
        .iter()
        .find_map(|(sign, family)| Some((*family, after(text, sign)?)));
    let is_mobile = text.contains("Mobile");
    let (family, version) = match named {
        Some(("Chrome", version)) if text.contains("; wv)") => ("Chrome Mobile WebView", version),
        Some(("Chrome", version)) if is_mobile => ("Chrome Mobile", version),
        Some(("Firefox", version)) if is_mobile => ("Firefox Mobile", version),
        Some(named) => named,
        None => unnamed_browser(text, is_mobile),
    };
    let [major, minor, patch, _] = version_parts(version);
    bag([
        ("Family", family),
        ("MajorVersion", major),
        ("MinorVersion", minor),
        ("Patch", patch),
    ])
}

/// Those that give their version elsewhere than after their name.
fn unnamed_browser(text: &str, is_mobile: bool) -> (&str, &str) {
    let version = after(text, "Version/").unwrap_or_default();
    if text.contains("Trident/") {
        return ("IE", after(text, "rv:").unwrap_or_default());
    }
    if let Some(own) = text.strip_prefix("Opera/") {
        return ("Opera", if version.is_empty() { own } else { version });
    }
    match text {
        _ if text.contains("Android") && text.contains("Safari/") => ("Android", version),
        _ if text.contains("Safari/") && is_mobile => ("Mobile Safari", version),
        _ if text.contains("Safari/") => ("Safari", version),
        _ if text.contains("AppleWebKit/") && is_mobile => ("Mobile Safari UI/WKWebView", version),
        _ => ("Other", ""),
    }
}

/// Sign before the version, and the family.
const SYSTEMS: [(&str, &str); 12] = [
    ("Windows Phone ", "Windows Phone"),
    ("Windows NT ", "Windows"),
    ("Android ", "Android"),
    ("CrOS x86_64 ", "Chrome OS"),
    ("CrOS aarch64 ", "Chrome OS"),
    ("CPU iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("Mac OS X ", "Mac OS X"),
    ("SymbianOS/", "Symbian OS"),
    ("Tizen ", "Tizen"),
    ("Ubuntu/", "Ubuntu"),
    ("FreeBSD ", "FreeBSD"),
];

/// Those that are named without a version.
const PLAIN_SYSTEMS: [&str; 9] = [
    "Android", "Ubuntu", "Fedora", "Debian", "CentOS", "FreeBSD", "OpenBSD", "Mac OS X", "Linux",
];

fn operating_system(text: &str) -> Dynamic {
    let named = SYSTEMS
        .iter()
        .find_map(|(sign, family)| Some((*family, after(text, sign)?)));
    let (family, version) = match named {
        Some(("Windows", version)) => ("Windows", windows(version)),
        Some(named) => named,
        None => {
            let plain = PLAIN_SYSTEMS.into_iter().find(|name| text.contains(name));
            (plain.unwrap_or("Other"), "")
        }
    };
    let [major, minor, patch, patch_minor] = version_parts(version);
    bag([
        ("Family", family),
        ("MajorVersion", major),
        ("MinorVersion", minor),
        ("Patch", patch),
        ("PatchMinor", patch_minor),
    ])
}

/// The name that a version of Windows NT is sold by.
fn windows(version: &str) -> &str {
    let known = [
        ("10.0", "10"),
        ("6.3", "8.1"),
        ("6.2", "8"),
        ("6.1", "7"),
        ("6.0", "Vista"),
        ("5.2", "XP"),
        ("5.1", "XP"),
        ("5.0", "2000"),
    ];
    let known = known
        .into_iter()
        .find(|(number, _)| version.starts_with(number));
    known.map_or(version, |(_, name)| name)
}

/// Start of a model's name, and who makes it.
const BRANDS: [(&str, &str); 17] = [
    ("SM-", "Samsung"),
    ("GT-", "Samsung"),
    ("SAMSUNG", "Samsung"),
    ("Pixel", "Google"),
    ("Nexus", "Google"),
    ("Redmi", "XiaoMi"),
    ("Mi ", "XiaoMi"),
    ("M2", "XiaoMi"),
    ("POCO", "XiaoMi"),
    ("ONEPLUS", "OnePlus"),
    ("HUAWEI", "Huawei"),
    ("moto", "Motorola"),
    ("Nokia", "Nokia"),
    ("LG-", "LG"),
    ("LM-", "LG"),
    ("HTC", "HTC"),
    ("CPH", "Oppo"),
];

const SPIDERS: [&str; 6] = [
    "bot/",
    "Bot/",
    "spider",
    "crawler",
    "facebookexternalhit",
    "Googlebot",
];

fn device(text: &str) -> Dynamic {
    let apple = ["iPhone", "iPad", "iPod"]
        .into_iter()
        .find(|name| text.contains(name));
    if SPIDERS.iter().any(|sign| text.contains(sign)) {
        return device_bag("Spider", "Spider", "Desktop");
    }
    if let Some(name) = apple {
        return device_bag(name, "Apple", name);
    }
    if text.contains("Macintosh") {
        return device_bag("Mac", "Apple", "Mac");
    }
    let Some(model) = android_model(text) else {
        return device_bag("Other", "", "");
    };
    let brand = BRANDS.iter().find(|(start, _)| model.starts_with(start));
    match brand.map(|(_, brand)| *brand) {
        Some("Samsung") => device_bag(&format!("Samsung {model}"), "Samsung", model),
        Some(brand) => device_bag(model, brand, model),
        None if model == "K" => device_bag("K", "Generic", "K"),
        None => device_bag(model, "Generic_Android", model),
    }
}

fn device_bag(family: &str, brand: &str, model: &str) -> Dynamic {
    bag([("Family", family), ("Brand", brand), ("Model", model)])
}

/// What stands after Android's version: `(Linux; Android 13; SM-G991B Build/TP1A)`.
fn android_model(text: &str) -> Option<&str> {
    let inside = after(text, "Android ")?;
    let (inside, _) = inside.split_once(')')?;
    let is_language = |part: &str| matches!(part.as_bytes(), [_, _] | [_, _, b'-' | b'_', _, _]);
    let model = inside
        .split(';')
        .skip(1)
        .map(str::trim)
        .find(|part| !is_language(part) && *part != "wv")?;
    let (model, _) = model.split_once(" Build/").unwrap_or((model, ""));
    let is_none =
        model.is_empty() || model == "Mobile" || model == "Tablet" || model.starts_with("rv:");
    (!is_none).then_some(model)
}

fn after<'a>(text: &'a str, sign: &str) -> Option<&'a str> {
    text.split_once(sign).map(|(_, rest)| rest)
}

/// Up to four numbers with dots or underscores between; the first may be a name.
fn version_parts(text: &str) -> [&str; 4] {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '.' && char != '_');
    let version = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let mut parts = version.split(['.', '_']);
    [(); 4].map(|()| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::call;
    use crate::value::Value;

    #[track_caller]
    fn check(user_agent: &str, browser: &str, system: &str, device: &str) {
        let Ok(Value::Dynamic(found)) = call("parse_user_agent", &json!([user_agent])) else {
            panic!("{user_agent}");
        };
        let line = |part: &str, keys: &[&str]| {
            let texts = keys.iter().map(|key| found[part][key].as_str().unwrap());
            texts.collect::<Vec<_>>().join("|")
        };
        let version = ["Family", "MajorVersion", "MinorVersion", "Patch"];
        assert_eq!(line("Browser", &version), browser);
        assert_eq!(line("OperatingSystem", &version), system);
        assert_eq!(line("Device", &["Family", "Brand", "Model"]), device);
    }

    #[test]
    fn browsers_of_desktops() {
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.1.2 \
             Safari/537.36 Edg/121.3.4",
            "Edge|121|3|4",
            "Windows|10||",
            "Other||",
        );
        check(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 \
             Safari/605.1.15",
            "Safari|17|2|",
            "Mac OS X|10|15|7",
            "Mac|Apple|Mac",
        );
        check(
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
            "Firefox|115|0|",
            "Ubuntu|||",
            "Other||",
        );
        check(
            "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko",
            "IE|11|0|",
            "Windows|8|1|",
            "Other||",
        );
    }

    #[test]
    fn browsers_of_phones() {
        check(
            "Mozilla/5.0 (Linux; Android 13; SM-S901B Build/TP1A) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/119.0.6045.66 Mobile Safari/537.36",
            "Chrome Mobile|119|0|6045",
            "Android|13||",
            "Samsung SM-S901B|Samsung|SM-S901B",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/16.6 Mobile/15E148 Safari/604.1",
            "Mobile Safari|16|6|",
            "iOS|16|6|1",
            "iPhone|Apple|iPhone",
        );
        check(
            "Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0",
            "Firefox Mobile|120|0|",
            "Android|14||",
            "Other||",
        );
    }

    #[test]
    fn programs() {
        check("curl/8.4.0", "curl|8|4|0", "Other|||", "Other||");
        check(
            "python-requests/2.31.0",
            "Python Requests|2|31|0",
            "Other|||",
            "Other||",
        );
        check(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Googlebot|2|1|",
            "Other|||",
            "Spider|Spider|Desktop",
        );
        check("", "Other|||", "Other|||", "Other||");
        check(&"é".repeat(5_000), "Other|||", "Other|||", "Other||");
    }

    #[test]
    fn only_what_is_asked_for() {
        let Ok(Value::Dynamic(found)) = call("parse_user_agent", &json!(["curl/8.4", ["os"]]))
        else {
            panic!();
        };
        assert_eq!(found.as_object().unwrap().len(), 1);
        assert_eq!(found["OperatingSystem"]["Family"], "Other");
        let failure = call("parse_user_agent", &json!(["curl/8.4", "engine"])).unwrap_err();
        assert!(failure.0.contains("'engine'"));
    }
}
