//! Watchlists: small tables that people keep beside the logs, such as addresses that are their own.
//!
//! They are held in memory and given as `_GetWatchlist` gives them in Sentinel. Who keeps them over a restart is not
//! known here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use ipnet::IpNet;
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};
use store::{Timestamp, Workspace};
use thiserror::Error;

/// Largest list, in bytes of CSV.
pub const LIST_BYTES_MAX: usize = 4 << 20;

/// Largest sum of the lists of a workspace, in bytes of CSV.
const LISTS_BYTES_MAX: usize = 64 << 20;

/// Most lists of a workspace.
const LISTS_MAX: usize = 200;

/// Most columns of a list.
const COLUMNS_MAX: usize = 64;

/// Longest alias and longest name of a column, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Columns that every list has before its own.
const OURS: [&str; 3] = ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey"];

/// The column of lists of networks.
const NETWORK_COLUMN: &str = "IPAddress";

/// What is wrong with a list.
#[derive(Debug, Error)]
pub enum WatchlistError {
    /// The alias can't be one.
    #[error("alias '{0}' is not 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.'")]
    Alias(String),
    /// It is larger than a list may be.
    #[error("the list is longer than {LIST_BYTES_MAX} bytes")]
    TooLong,
    /// The workspace has as many lists as it may.
    #[error("there are {LISTS_MAX} lists, or {LISTS_BYTES_MAX} bytes of them; delete one first")]
    TooMany,
    /// A list of that name is in the configuration.
    #[error("the list '{0}' is set by the configuration; change it there")]
    Configured(String),
    /// The text is no CSV.
    #[error("read the list as CSV: {0}")]
    Csv(String),
    /// The header has no good names.
    #[error("column '{name}': {reason}")]
    Column {
        /// The column.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no column by which the list is looked up.
    #[error("the list has no column '{0}' to be its search key")]
    SearchKey(String),
    /// The rows don't fit their columns: a defect here, not in the list.
    #[error("build rows of a list")]
    Build(#[from] ArrowError),
}

/// A named list.
#[derive(Clone, Debug)]
pub struct Watchlist {
    alias: String,
    search_key: String,
    updated: Option<Timestamp>,
    csv_bytes: usize,
    rows: RecordBatch,
    networks: Vec<IpNet>,
}

impl Watchlist {
    /// Reads a list: a header line, then a line for each item. The search key is the first column unless it is named.
    pub fn from_csv(
        alias: &str,
        csv: &[u8],
        search_key: Option<&str>,
        updated: Timestamp,
    ) -> Result<Self, WatchlistError> {
        if csv.len() > LIST_BYTES_MAX {
            return Err(WatchlistError::TooLong);
        }
        let text = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = ::csv::ReaderBuilder::new()
            .trim(::csv::Trim::Headers)
            .from_reader(text);
        let wrong = |error: ::csv::Error| WatchlistError::Csv(error.to_string());
        let names: Vec<String> = reader
            .headers()
            .map_err(wrong)?
            .iter()
            .map(str::to_owned)
            .collect();
        check_columns(&names)?;
        let mut columns = vec![Vec::new(); names.len()];
        for record in reader.records() {
            let record = record.map_err(wrong)?;
            for (column, cell) in columns.iter_mut().zip(&record) {
                column.push(cell.to_owned());
            }
        }
        let first = names.first().map_or("", String::as_str);
        Self::new(
            alias,
            (names.as_slice(), columns),
            search_key.unwrap_or(first),
            Some(updated),
        )
        .map(|list| Self {
            csv_bytes: csv.len(),
            ..list
        })
    }

    /// A list of networks, as the configuration has them.
    pub fn from_networks(alias: &str, networks: &[IpNet]) -> Result<Self, WatchlistError> {
        let is_host = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        let texts = networks.iter().map(|network| {
            if is_host(network) {
                network.addr().to_string()
            } else {
                network.to_string()
            }
        });
        let names = [NETWORK_COLUMN.to_owned()];
        let columns = vec![texts.collect::<Vec<_>>()];
        Self::new(alias, (names.as_slice(), columns), NETWORK_COLUMN, None)
    }

    fn new(
        alias: &str,
        (names, columns): (&[String], Vec<Vec<String>>),
        search_key: &str,
        updated: Option<Timestamp>,
    ) -> Result<Self, WatchlistError> {
        check_alias(alias)?;
        let key = names.iter().position(|name| name == search_key);
        let keys = key.and_then(|place| columns.get(place));
        let keys = keys.ok_or_else(|| WatchlistError::SearchKey(search_key.to_owned()))?;
        let networks = keys.iter().filter_map(|key| network(key)).collect();
        let micros = updated.map(Timestamp::as_micros);
        let times = TimestampMicrosecondArray::from(vec![micros; keys.len()]).with_timezone("UTC");
        let ids: StringArray = item_ids(alias, &columns).map(Some).collect();
        let mut fields = ours();
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(times),
            Arc::new(StringArray::from(keys.clone())),
        ];
        for (name, cells) in names.iter().zip(columns) {
            fields.push(Field::new(name, DataType::Utf8, true));
            arrays.push(Arc::new(StringArray::from(cells)));
        }
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        Ok(Self {
            alias: alias.to_owned(),
            search_key: search_key.to_owned(),
            updated,
            csv_bytes: 0,
            rows,
            networks,
        })
    }

    /// The name that queries use.
    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// The column that `SearchKey` repeats.
    pub fn search_key(&self) -> &str {
        &self.search_key
    }

    /// When it was uploaded; `None` for a list of the configuration.
    pub fn updated(&self) -> Option<Timestamp> {
        self.updated
    }

    /// Its items: `_DTItemId`, `LastUpdatedTimeUTC`, `SearchKey`, then its own columns as text.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// Whether an address lies in a network, or is an address, of its search key.
    pub(crate) fn has_address(&self, address: &IpAddr) -> bool {
        let address = address.to_canonical();
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(&address))
    }
}

fn ours() -> Vec<Field> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let types = [DataType::Utf8, time, DataType::Utf8];
    let fields = OURS.into_iter().zip(types);
    fields
        .map(|(name, data_type)| Field::new(name, data_type, true))
        .collect()
}

/// What `_GetWatchlist` gives of a list that is not there: Sentinel's rules count on no error.
fn nothing() -> RecordBatch {
    RecordBatch::new_empty(Arc::new(Schema::new(ours())))
}

fn check_alias(alias: &str) -> Result<(), WatchlistError> {
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_alias = (1..=NAME_BYTES_MAX).contains(&alias.len()) && alias.chars().all(is_good);
    if is_alias {
        Ok(())
    } else {
        Err(WatchlistError::Alias(alias.chars().take(200).collect()))
    }
}

fn check_columns(names: &[String]) -> Result<(), WatchlistError> {
    for (place, name) in names.iter().enumerate() {
        let before = names.get(..place).unwrap_or_default();
        let reason = match () {
            () if name.is_empty() => "the header line has no name for it",
            () if name.len() > NAME_BYTES_MAX => "the name is too long",
            () if OURS.contains(&name.as_str()) => "every list has one of that name already",
            () if before.contains(name) => "the name is there twice",
            () if place >= COLUMNS_MAX => "there are too many columns before it",
            () => continue,
        };
        return Err(WatchlistError::Column {
            name: name.chars().take(NAME_BYTES_MAX).collect(),
            reason,
        });
    }
    Ok(())
}

fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let address = || text.parse().ok().map(|address: IpAddr| address.into());
    text.parse().ok().or_else(address)
}

/// Ids in the form of a GUID, which an item keeps as long as nothing about it changes.
fn item_ids(alias: &str, columns: &[Vec<String>]) -> impl Iterator<Item = String> {
    let items = columns.first().map_or(0, Vec::len);
    (0..items).map(move |item| {
        let mut digest = Sha256::new_with_prefix(alias);
        digest.update(item.to_le_bytes());
        for cell in columns.iter().filter_map(|column| column.get(item)) {
            digest.update(cell.len().to_le_bytes());
            digest.update(cell);
        }
        let mut id = String::with_capacity(36);
        for (place, byte) in digest.finalize().iter().take(16).enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            let written = write!(id, "{dash}{byte:02x}");
            debug_assert!(written.is_ok(), "writing to a string does not fail");
        }
        id
    })
}

type Lists = BTreeMap<String, Arc<Watchlist>>;

/// The lists of every workspace: a handle, whose copies see the same lists.
#[derive(Clone, Debug, Default)]
pub struct Watchlists {
    configured: Arc<Lists>,
    uploaded: Arc<RwLock<BTreeMap<Workspace, Arc<Lists>>>>,
}

impl Watchlists {
    /// Lists of networks that the configuration sets, for every workspace.
    pub fn new(configured: &BTreeMap<String, Vec<IpNet>>) -> Result<Self, WatchlistError> {
        let lists = configured.iter().map(|(alias, networks)| {
            let list = Watchlist::from_networks(alias, networks)?;
            Ok((alias.clone(), Arc::new(list)))
        });
        Ok(Self {
            configured: Arc::new(lists.collect::<Result<_, WatchlistError>>()?),
            uploaded: Arc::default(),
        })
    }

    /// The lists of a workspace at this moment.
    pub fn of(&self, workspace: &Workspace) -> WatchlistSet {
        let uploaded = self.uploaded.read().get(workspace).cloned();
        WatchlistSet {
            configured: Arc::clone(&self.configured),
            uploaded: uploaded.unwrap_or_default(),
        }
    }

    /// Whether a workspace may have that list besides those that it has.
    pub fn check(&self, workspace: &Workspace, list: &Watchlist) -> Result<(), WatchlistError> {
        if self.configured.contains_key(list.alias()) {
            return Err(WatchlistError::Configured(list.alias().to_owned()));
        }
        let lists = self.of(workspace);
        let others = lists.uploaded.values();
        let others = others.filter(|other| other.alias() != list.alias());
        let (count, bytes) = others.fold((1, list.csv_bytes), |(count, bytes), other| {
            (count + 1, bytes.saturating_add(other.csv_bytes))
        });
        if count > LISTS_MAX || bytes > LISTS_BYTES_MAX {
            return Err(WatchlistError::TooMany);
        }
        Ok(())
    }

    /// From now on the workspace has that list, in the place of one of the same alias.
    pub fn put(&self, workspace: &Workspace, list: Watchlist) {
        self.change(workspace, |lists| {
            lists.insert(list.alias().to_owned(), Arc::new(list));
        });
    }

    /// From now on the workspace has no uploaded list of that alias.
    pub fn remove(&self, workspace: &Workspace, alias: &str) {
        self.change(workspace, |lists| {
            lists.remove(alias);
        });
    }

    fn change(&self, workspace: &Workspace, change: impl FnOnce(&mut Lists)) {
        let mut uploaded = self.uploaded.write();
        let lists = uploaded.entry(workspace.clone()).or_default();
        change(Arc::make_mut(lists));
    }
}

/// The lists of one workspace at one moment.
#[derive(Clone, Debug)]
pub struct WatchlistSet {
    configured: Arc<Lists>,
    uploaded: Arc<Lists>,
}

impl WatchlistSet {
    /// The list of that alias.
    pub fn get(&self, alias: &str) -> Option<&Arc<Watchlist>> {
        let configured = self.configured.get(alias);
        configured.or_else(|| self.uploaded.get(alias))
    }

    /// The items of that list; none, in the columns that every list has, if there is no such list.
    pub fn rows(&self, alias: &str) -> RecordBatch {
        let list = self.get(alias);
        list.map_or_else(nothing, |list| list.rows().clone())
    }

    /// Every list, by alias; those of the configuration first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Watchlist>> {
        self.configured.values().chain(self.uploaded.values())
    }
}

/// The same lists at the same moment.
impl PartialEq for WatchlistSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.configured, &other.configured)
            && Arc::ptr_eq(&self.uploaded, &other.uploaded)
    }
}

impl Eq for WatchlistSet {}

impl Hash for WatchlistSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.uploaded).hash(state);
    }
}

#[cfg(test)]
mod tests;
