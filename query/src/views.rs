//! Views as stored functions: ASIM's schemas and an older table, over the tables of today.
//!
//! By them rules run that know neither API Management nor flow logs. The texts stand beside this file.

/// Each view by its names, and its text.
const VIEWS: [(&str, &str); 9] = [
    ("_Im_WebSession", WEB_SESSION),
    ("imWebSession", WEB_SESSION),
    ("_ASim_WebSession", WEB_SESSION),
    ("_Im_NetworkSession", NETWORK_SESSION),
    ("imNetworkSession", NETWORK_SESSION),
    ("_ASim_NetworkSession", NETWORK_SESSION),
    ("_Im_Authentication", AUTHENTICATION),
    ("imAuthentication", AUTHENTICATION),
    ("AzureNetworkAnalytics_CL", FLOWS),
];

const WEB_SESSION: &str = include_str!("views/web_session.kql");
const NETWORK_SESSION: &str = include_str!("views/network_session.kql");
const AUTHENTICATION: &str = include_str!("views/authentication.kql");
const FLOWS: &str = include_str!("views/flows.kql");

/// The text of a view.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    let found = VIEWS.iter().find(|(known, _)| *known == name)?;
    Some(found.1)
}

/// Names and texts of all views: parameters in parentheses, then the body in braces.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    VIEWS.into_iter()
}
