//! Who did it: one name out of a token's claims.

use std::borrow::Cow;

use crate::json::Fields;

/// Claims that name the caller, the best first. A person has a user principal name; an application
/// only identifiers.
const CLAIMS: [&str; 7] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "name",
    "appid",
    "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "oid",
];

/// The caller, as far as `claims`, an object's text, names one.
pub(super) fn of(claims: &str) -> Option<Cow<'_, str>> {
    let claims = Fields::parse(claims)?;
    let mut names = CLAIMS.iter().filter_map(|claim| claims.text(claim));
    let name = names.find(|name| !name.trim().is_empty())?;
    Some(match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.trim()),
        Cow::Owned(name) => Cow::Owned(name.trim().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(claims: &str, expected: Option<&str>) {
        assert_eq!(of(claims).as_deref(), expected, "{claims}");
    }

    #[test]
    fn the_best_claim_names_the_caller() {
        let upn =
            r#""http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":" ann@example.com""#;
        check(
            &format!(r#"{{"appid":"a","name":"Ann",{upn}}}"#),
            Some("ann@example.com"),
        );
        check(r#"{"appid":"a","name":"Ann"}"#, Some("Ann"));
        check(r#"{"appid":"a","name":""}"#, Some("a"));
        check(
            r#"{"http://schemas.microsoft.com/identity/claims/objectidentifier":"o"}"#,
            Some("o"),
        );
        check(r#"{"aud":"x"}"#, None);
        check("5", None);
    }
}
