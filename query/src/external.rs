//! What `externaldata` of KQL reads: addresses that may be fetched, each once in a question, and of a bounded length
//! together. Who fetches, and what may be fetched, is told from outside.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use kql::Document;
use parking_lot::Mutex;

use crate::engine::Question;

/// Most addresses of a question.
const ADDRESSES_MAX: usize = 64;

/// What addresses of `externaldata` that may not be fetched give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum External {
    /// An error: who relies on an answer must not take it for whole.
    Refused,
    /// No rows, and a note with the answer.
    Empty,
    /// An error too, and nothing is fetched: the question is only planned.
    Planned,
}

/// Fetches what questions name by its address.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Whether an address may be fetched, as far as its text shows. An error says what would let it.
    fn check(&self, address: &str) -> Result<(), String>;
    /// What stands there, decompressed, at most so many bytes. An error names the host, and says what happened.
    async fn fetch(&self, address: &str, bytes_max: usize) -> Result<Bytes, String>;
}

/// Who fetches, and how much.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// Fetches.
    pub fetch: Arc<dyn Fetch>,
    /// Most bytes of all addresses of a question, decompressed.
    pub bytes_max: usize,
}

/// The documents of a question.
#[derive(Debug)]
pub(crate) struct Documents {
    fetching: Option<Fetching>,
    external: External,
    /// Whether nothing is fetched.
    is_planned: bool,
    /// How many bytes may still come; whoever fetches holds it, so that one address is fetched at a time.
    bytes_left: Arc<tokio::sync::Mutex<usize>>,
    found: Mutex<Vec<Arc<Fetched>>>,
    refused: Mutex<Option<String>>,
}

impl Documents {
    pub(crate) fn new(fetching: Option<Fetching>, question: &Question) -> Self {
        let bytes_max = fetching.as_ref().map_or(0, |fetching| fetching.bytes_max);
        Self {
            fetching,
            external: question.external,
            is_planned: question.explain || question.external == External::Planned,
            bytes_left: Arc::new(tokio::sync::Mutex::new(bytes_max)),
            found: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// What stands at an address; an error says why it is not fetched.
    pub(crate) fn at(&self, address: &str) -> Result<Arc<dyn Document>, String> {
        let mut found = self.found.lock();
        if let Some(known) = found.iter().find(|known| known.address == address) {
            return Ok(Arc::clone(known) as Arc<dyn Document>);
        }
        let fetch = self.allowed(address, found.len()).inspect_err(|reason| {
            tracing::warn!(
                reason,
                "a query asks for external data, which is not fetched"
            );
            let mut refused = self.refused.lock();
            refused.get_or_insert_with(|| reason.clone());
        })?;
        let document = Arc::new(Fetched {
            address: address.to_owned(),
            fetch: (!self.is_planned).then_some(fetch),
            bytes_left: Arc::clone(&self.bytes_left),
            bytes: tokio::sync::OnceCell::new(),
        });
        found.push(Arc::clone(&document));
        Ok(document)
    }

    fn allowed(&self, address: &str, count: usize) -> Result<Arc<dyn Fetch>, String> {
        let Some(fetching) = &self.fetching else {
            return Err("nothing is fetched here".to_owned());
        };
        fetching.fetch.check(address)?;
        if count >= ADDRESSES_MAX {
            return Err(format!("a query may name {ADDRESSES_MAX} addresses"));
        }
        Ok(Arc::clone(&fetching.fetch))
    }

    /// Why the question can't be answered, if an address that may not be fetched is an error.
    pub(crate) fn refusal(&self) -> Option<String> {
        let refused = self.refused.lock().clone()?;
        let is_error = self.external != External::Empty;
        is_error.then(|| format!("externaldata: {refused}"))
    }
}

/// A document that is fetched when it is read first.
#[derive(Debug)]
struct Fetched {
    address: String,
    fetch: Option<Arc<dyn Fetch>>,
    bytes_left: Arc<tokio::sync::Mutex<usize>>,
    bytes: tokio::sync::OnceCell<Bytes>,
}

#[async_trait]
impl Document for Fetched {
    async fn bytes(&self) -> Result<Bytes> {
        let Some(fetch) = &self.fetch else {
            return Ok(Bytes::new());
        };
        let fetched = self.bytes.get_or_try_init(|| async {
            let mut left = self.bytes_left.lock().await;
            let bytes = fetch.fetch(&self.address, *left).await;
            let bytes = bytes
                .map_err(|reason| DataFusionError::Execution(format!("externaldata: {reason}")))?;
            *left = left.saturating_sub(bytes.len());
            Ok::<_, DataFusionError>(bytes)
        });
        fetched.await.cloned()
    }
}
