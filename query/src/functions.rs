//! Functions of our own in SQL.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use ipnet::IpNet;

/// Named lists of networks, from configuration: what Sentinel calls a watchlist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Watchlists(BTreeMap<String, Vec<IpNet>>);

impl Watchlists {
    /// Lists by alias.
    pub fn new(lists: BTreeMap<String, Vec<IpNet>>) -> Self {
        Self(lists)
    }

    fn contains(&self, alias: &str, text: &str) -> Option<bool> {
        let address: IpAddr = text.parse().ok()?;
        let address = address.to_canonical();
        let networks = self.0.get(alias)?;
        Some(networks.iter().any(|network| network.contains(&address)))
    }
}

/// `ip_in_watchlist(address, alias)`: whether the address lies in a network of the watchlist. False if it is no
/// address or there is no such list; null if the address is null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct IpInWatchlist {
    signature: Signature,
    watchlists: Watchlists,
}

impl IpInWatchlist {
    pub(crate) fn function(watchlists: Watchlists) -> Arc<ScalarUDF> {
        let arguments = vec![DataType::Utf8, DataType::Utf8];
        // Stable: configuration doesn't change while a query runs.
        let signature = Signature::exact(arguments, Volatility::Stable);
        Arc::new(ScalarUDF::from(Self {
            signature,
            watchlists,
        }))
    }
}

impl ScalarUDFImpl for IpInWatchlist {
    fn name(&self) -> &'static str {
        "ip_in_watchlist"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [
            addresses,
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(alias))),
        ] = call.args.as_slice()
        else {
            let text = "ip_in_watchlist needs an address and a literal alias";
            return Err(DataFusionError::Plan(text.to_owned()));
        };
        let addresses = addresses.to_array(call.number_rows)?;
        let addresses = as_string_array(&addresses)?;
        let found: BooleanArray = (0..addresses.len())
            .map(|row| {
                (!addresses.is_null(row)).then(|| {
                    self.watchlists
                        .contains(alias, addresses.value(row))
                        .unwrap_or(false)
                })
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
    }
}
