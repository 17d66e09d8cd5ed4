//! Parts to the service: sent until they are taken, waiting as it asks.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use indicatif::ProgressBar;
use parking_lot::Mutex;
use reqwest::Method;
use serde::Deserialize;
use thiserror::Error;

use super::resume::absolute;
use super::text::Batch;
use crate::client::{Client, Reply};
use crate::terminal;

/// Pause before the first repetition; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(250);

/// Longest pause, also if the service asks for more.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Longest wait that nothing is said of, while the service answers.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Longest origin, in bytes, as the service has it.
const ORIGIN_BYTES_MAX: usize = 1_000;

/// The service takes nothing: no file can be sent.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

/// How long to go on when the service takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    For(Duration),
    Endless,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is on disk now.
    Taken { accepted: u64, quarantined: u64 },
    /// It was on disk already: an answer was lost on the way.
    Before,
    /// The source stands elsewhere: somebody else reads it too.
    Elsewhere,
    /// The service takes only smaller parts.
    TooLarge,
}

#[derive(Deserialize)]
struct Receipt {
    accepted: u64,
    quarantined: u64,
}

/// What is looked at of answers about a source.
#[derive(Deserialize)]
struct Conflict {
    position: Option<String>,
}

/// Where a source stands.
#[derive(Deserialize)]
pub(super) struct Standing {
    pub(super) position: String,
    /// The file of which the last part was.
    pub(super) origin: Option<String>,
}

/// Sends parts of sources.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    patience: Patience,
    /// Shows what is said meanwhile.
    progress: ProgressBar,
    /// Why the service is waited for, if it is.
    waiting: Mutex<Option<String>>,
}

impl Sender {
    pub(crate) fn new(client: Client, patience: Patience, progress: ProgressBar) -> Self {
        Self {
            client,
            patience,
            progress,
            waiting: Mutex::default(),
        }
    }

    /// Why the service is waited for, if it is.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.waiting.lock().clone()
    }

    /// Where a source stands; `None` if nothing was read from it.
    pub(super) async fn standing(&self, source: &str) -> anyhow::Result<Option<Standing>> {
        let path = format!("/api/v1/sources/{source}");
        let reply = self.call(&Method::GET, &path, &[], Bytes::new()).await?;
        match reply.status.as_u16() {
            404 => Ok(None),
            200 => {
                let standing = serde_json::from_slice(&reply.body);
                Ok(Some(standing.context("read where a source stands")?))
            }
            _ => Err(Refused(reply.text()).into()),
        }
    }

    /// Sends a part until the service has it.
    pub(crate) async fn send(
        &self,
        source: &str,
        origin: &Path,
        batch: &Batch,
    ) -> anyhow::Result<Sent> {
        let origin = visible(&absolute(origin));
        let mut headers = vec![
            ("bartizan-source", source),
            ("bartizan-origin", origin.as_str()),
            ("bartizan-to", batch.to.as_str()),
        ];
        headers.extend(batch.from.as_deref().map(|from| ("bartizan-from", from)));
        let body = Bytes::copy_from_slice(&batch.body);
        let reply = self.call(&Method::POST, "/api/v1/ingest", &headers, body);
        let reply = reply.await?;
        match reply.status.as_u16() {
            200 => {
                let receipt: Receipt =
                    serde_json::from_slice(&reply.body).context("read the answer")?;
                Ok(Sent::Taken {
                    accepted: receipt.accepted,
                    quarantined: receipt.quarantined,
                })
            }
            409 => {
                let conflict: Option<Conflict> = serde_json::from_slice(&reply.body).ok();
                let position = conflict.and_then(|conflict| conflict.position);
                if position.as_ref() == Some(&batch.to) {
                    return Ok(Sent::Before);
                }
                Ok(Sent::Elsewhere)
            }
            413 => Ok(Sent::TooLarge),
            _ => Err(Refused(reply.text()).into()),
        }
    }

    /// One request, repeated while the service can't be reached or asks to come back.
    async fn call(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Reply> {
        let mut pause = PAUSE_FIRST;
        let mut waited = Duration::ZERO;
        loop {
            let request = self.client.request(method.clone(), path).timeout(TIMEOUT);
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let tried = self.client.reply(request.body(body.clone())).await;
            let (wait, reason) = match &tried {
                Ok(reply) if !reply.is_to_repeat() => {
                    self.say_answered();
                    return tried;
                }
                Ok(reply) => (reply.retry_after.unwrap_or(pause), reply.text()),
                Err(error) if is_final(error) => return Err(Refused(format!("{error:#}")).into()),
                Err(error) => (pause, error.root_cause().to_string()),
            };
            // A service that asks for a moment is not away.
            if tried.is_err() || waited >= SILENCE_MAX {
                self.say_waiting(&reason);
            }
            let wait = wait.min(PAUSE_MAX);
            if let Patience::For(longest) = self.patience
                && waited >= longest
            {
                return Err(Refused(match tried {
                    Ok(reply) => reply.text(),
                    Err(error) => format!("{error:#}"),
                })
                .into());
            }
            tokio::time::sleep(wait).await;
            waited = waited.saturating_add(wait);
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}

impl Sender {
    /// Says once that the service is waited for.
    fn say_waiting(&self, reason: &str) {
        let text = format!("waiting for {}: {reason}", self.client.url());
        let before = self.waiting.lock().replace(text.clone());
        if before.is_none() {
            self.progress.suspend(|| terminal::note(&text));
        }
    }

    fn say_answered(&self) {
        if self.waiting.lock().take().is_some() {
            let text = format!("{} answers again", self.client.url());
            self.progress.suspend(|| terminal::note(&text));
        }
    }
}

/// Whether a request could not be made at all.
fn is_final(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<reqwest::Error>();
    cause.is_some_and(reqwest::Error::is_builder)
}

/// A path in visible ASCII: other bytes, and `%`, as in a URL.
fn visible(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_graphic() && *byte != b'%' {
            text.push(char::from(*byte));
        } else {
            text.extend(format!("%{byte:02X}").chars());
        }
    }
    let surplus = text.len().saturating_sub(ORIGIN_BYTES_MAX);
    text.split_off(surplus)
}

/// The path that [`visible`] made so. One that was too long is not found again.
pub(super) fn path(origin: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(origin.len());
    let mut rest = origin.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let coded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match coded.filter(|_| *byte == b'%') {
            Some(coded) => {
                bytes.push(coded);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_the_service() {
        for name in ["/var/log/a.json", "/tmp/50% \u{e4}\n/%41", "/x/y%"] {
            assert_eq!(path(&visible(Path::new(name))), PathBuf::from(name));
        }
        let odd = PathBuf::from(OsString::from_vec(b"/tmp/\xff\xfe".to_vec()));
        assert_eq!(path(&visible(&odd)), odd);
    }
}
