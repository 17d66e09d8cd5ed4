//! Functions of our own in SQL.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::watchlist::WatchlistSet;

/// `ip_in_watchlist(address, alias)`: whether the address lies in a network of the watchlist. False if it is no
/// address or there is no such list; null if the address is null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct IpInWatchlist {
    signature: Signature,
    watchlists: WatchlistSet,
}

impl IpInWatchlist {
    pub(crate) fn function(watchlists: WatchlistSet) -> Arc<ScalarUDF> {
        let arguments = vec![DataType::Utf8, DataType::Utf8];
        // Stable: a query sees the lists of one moment.
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
        let list = self.watchlists.get(alias);
        let found: BooleanArray = (0..addresses.len())
            .map(|row| {
                let address = || addresses.value(row).parse().ok();
                (!addresses.is_null(row)).then(|| {
                    list.zip(address())
                        .is_some_and(|(list, address)| list.has_address(&address))
                })
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
    }
}
