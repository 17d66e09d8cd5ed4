//! The API key in a request, in whichever way its protocol shows one.
//!
//! A key is shown as `Bearer <key>`, as `ApiKey` with base64 of `<id>:<key>` (Elasticsearch), or as `Basic` with
//! base64 of `<user>:<key>`. Ids and users are names for people: the key alone is looked up, by its digest.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::PAD;

/// What to do about a request that shows no key.
const MISSING: &str = "send an API key as 'Authorization: Bearer <key>'";

/// What to do about one that shows a key in an unknown way.
const UNKNOWN: &str = "the Authorization header is not 'Bearer <key>', 'ApiKey <base64 of id:key>' or 'Basic <base64 of user:key>'";

/// The key that a request shows, or what to do about its absence.
pub(super) fn key(headers: &HeaderMap) -> Result<Cow<'_, str>, &'static str> {
    let value = headers.get(header::AUTHORIZATION).ok_or(MISSING)?;
    let text = value.to_str().map_err(|_not_ascii| UNKNOWN)?;
    let (scheme, credential) = text.split_once(' ').ok_or(UNKNOWN)?;
    let (credential, is) = (credential.trim(), |known| {
        scheme.eq_ignore_ascii_case(known)
    });
    match () {
        () if is("bearer") => Ok(Cow::Borrowed(credential)),
        () if is("basic") => {
            let (user, key) = pair(credential).ok_or(UNKNOWN)?;
            Ok(Cow::Owned(if key.is_empty() { user } else { key }))
        }
        // Some senders take the header's value as it is; a key of ours is no base64 of a pair.
        () if is("apikey") => Ok(match pair(credential) {
            Some((_id, key)) => Cow::Owned(key),
            None => Cow::Borrowed(credential),
        }),
        () => Err(UNKNOWN),
    }
}

/// The two sides of the colon in base64.
fn pair(credential: &str) -> Option<(String, String)> {
    let config = PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, config)
        .decode(credential)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, key) = text.split_once(':')?;
    Some((name.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Result<&str, &str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        let found = key(&headers);
        assert_eq!(found.as_deref(), expected.as_ref().copied(), "{value}");
    }

    #[test]
    fn a_key_is_found_in_every_scheme() {
        check("Bearer bzn_abc", Ok("bzn_abc"));
        check("bearer  bzn_abc ", Ok("bzn_abc"));
        // `id:bzn_abc`, with and without padding.
        check("ApiKey aWQ6YnpuX2FiYw==", Ok("bzn_abc"));
        check("ApiKey aWQ6YnpuX2FiYw", Ok("bzn_abc"));
        check("ApiKey bzn_abc", Ok("bzn_abc"));
        check("Basic aWQ6YnpuX2FiYw==", Ok("bzn_abc"));
        // `bzn_abc:`, as `curl -u bzn_abc:` sends it.
        check("Basic YnpuX2FiYzo=", Ok("bzn_abc"));
    }

    #[test]
    fn anything_else_is_told_what_to_send() {
        check("Digest x", Err(UNKNOWN));
        check("bzn_abc", Err(UNKNOWN));
        check("Basic %%%", Err(UNKNOWN));
        assert_eq!(key(&HeaderMap::new()), Err(MISSING));
    }
}
