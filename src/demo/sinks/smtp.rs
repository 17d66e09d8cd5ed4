//! A mail server that accepts every mail and sends none on.
//!
//! Plain SMTP on loopback: the demo's mails never cross a network. Lines, messages, recipients and
//! connections are bounded.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::WAITING_MAX;
use super::mail::ReceivedMail;

const LINE_MAX: u64 = 4096;
const MESSAGE_BYTES_MAX: usize = 4 << 20;
const RECIPIENTS_MAX: usize = 100;
const CONNECTIONS_MAX: usize = 16;

/// The mail server, bound but not yet running.
#[derive(Debug)]
pub(crate) struct SmtpSink {
    listener: TcpListener,
    mails: mpsc::Sender<ReceivedMail>,
}

impl SmtpSink {
    /// Binds a free port of loopback; the mails come out of the receiver.
    pub(crate) async fn bind() -> io::Result<(Self, SocketAddr, mpsc::Receiver<ReceivedMail>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (mails, received) = mpsc::channel(WAITING_MAX);
        Ok((Self { listener, mails }, address, received))
    }

    /// Serves until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = sessions.join_next() => {}
                accepted = self.listener.accept(), if sessions.len() < CONNECTIONS_MAX => {
                    if let Ok((stream, _)) = accepted {
                        sessions.spawn(converse(stream, self.mails.clone()));
                    }
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, mails: mpsc::Sender<ReceivedMail>) {
    if let Err(error) = Session::new(stream, mails).run().await {
        debug!(%error, "a mail connection broke off");
    }
}

/// One connection, and the mail that it is about to hand over.
struct Session {
    stream: BufReader<TcpStream>,
    mails: mpsc::Sender<ReceivedMail>,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    fn new(stream: TcpStream, mails: mpsc::Sender<ReceivedMail>) -> Self {
        Self {
            stream: BufReader::new(stream),
            mails,
            from: None,
            to: Vec::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        self.answer("220 localhost ESMTP demo").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "DATA" if !self.to.is_empty() => self.data().await?,
                "QUIT" => return self.answer("221 2.0.0 bye").await,
                verb => {
                    let reply = self.command(verb, rest);
                    self.answer(reply).await?;
                }
            }
        }
        Ok(())
    }

    /// What is answered to a command that has no dialogue of its own.
    fn command(&mut self, verb: &str, rest: &str) -> &'static str {
        match verb {
            "EHLO" => {
                self.reset();
                "250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 4194304"
            }
            "HELO" | "RSET" => {
                self.reset();
                "250 2.0.0 ok"
            }
            "NOOP" => "250 2.0.0 ok",
            "MAIL" => match path(rest, "from:") {
                Some(from) if self.from.is_none() => {
                    self.from = Some(from);
                    "250 2.1.0 ok"
                }
                Some(_) => "503 5.5.1 a mail is open already",
                None => "501 5.5.4 MAIL FROM:<address>",
            },
            "RCPT" if self.from.is_none() => "503 5.5.1 MAIL first",
            "RCPT" if self.to.len() >= RECIPIENTS_MAX => "452 4.5.3 too many recipients",
            "RCPT" => match path(rest, "to:") {
                Some(to) => {
                    self.to.push(to);
                    "250 2.1.5 ok"
                }
                None => "501 5.5.4 RCPT TO:<address>",
            },
            "DATA" => "503 5.5.1 RCPT first",
            _ => "502 5.5.2 unknown command",
        }
    }

    /// Takes the message up to the line with a dot, and hands it over.
    async fn data(&mut self) -> io::Result<()> {
        self.answer("354 end with a dot").await?;
        let mut message = Vec::new();
        let mut fits = true;
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            fits = fits && message.len() + line.len() <= MESSAGE_BYTES_MAX;
            if fits {
                message.extend_from_slice(line);
            }
        }
        let (from, to) = (
            self.from.take().unwrap_or_default(),
            std::mem::take(&mut self.to),
        );
        let mail = ReceivedMail::read(from, to, &String::from_utf8_lossy(&message));
        let reply = if !fits {
            "552 5.3.4 message too big"
        } else if self.mails.try_send(mail).is_ok() {
            "250 2.0.0 taken"
        } else {
            "452 4.3.1 too many mails wait"
        };
        self.answer(reply).await
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// The next line with its end; nothing once the client is gone.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.stream)
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .await?;
        match line.last() {
            Some(b'\n') => Ok(Some(line)),
            None => Ok(None),
            Some(_) => Err(io::Error::other("a line is too long or was cut off")),
        }
    }

    async fn answer(&mut self, reply: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(reply.as_bytes()).await?;
        stream.write_all(b"\r\n").await
    }
}

/// The address of `FROM:<address> SIZE=..`.
fn path(argument: &str, keyword: &str) -> Option<String> {
    let start = argument.get(..keyword.len())?;
    let rest = argument.get(keyword.len()..)?.trim_start();
    let (address, _) = rest.strip_prefix('<')?.split_once('>')?;
    start
        .eq_ignore_ascii_case(keyword)
        .then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `dialogue` and gives the replies' codes, and the mails that came out.
    async fn check(dialogue: &str) -> (Vec<String>, Vec<ReceivedMail>) {
        let (sink, address, mut mails) = SmtpSink::bind().await.unwrap();
        let stop = CancellationToken::new();
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream
                .write_all(dialogue.replace('\n', "\r\n").as_bytes())
                .await
                .unwrap();
            let mut replies = String::new();
            stream.read_to_string(&mut replies).await.unwrap();
            stop.cancel();
            replies
        };
        let (replies, ()) = tokio::join!(client, sink.run(stop.clone()));
        let codes = replies
            .lines()
            .map(|line| line.chars().take(3).collect())
            .collect();
        let mut received = Vec::new();
        while let Ok(mail) = mails.try_recv() {
            received.push(mail);
        }
        (codes, received)
    }

    #[tokio::test]
    async fn a_mail_is_taken_with_its_envelope_and_without_its_stuffing() {
        let (codes, mails) = check(
            "HELO x\nMAIL FROM:<a@b.example> SIZE=9\nRCPT TO:<c@d.example>\nRCPT TO:<e@f.example>\nDATA\nSubject: s\n\n..dot\n.\nQUIT\n",
        )
        .await;
        assert_eq!(
            codes,
            ["220", "250", "250", "250", "250", "354", "250", "221"]
        );
        let expected = ReceivedMail {
            subject: "s".to_owned(),
            from: "a@b.example".to_owned(),
            to: vec!["c@d.example".to_owned(), "e@f.example".to_owned()],
            text: ".dot\r\n".to_owned(),
        };
        assert_eq!(mails, [expected]);
    }

    #[tokio::test]
    async fn commands_out_of_order_are_refused() {
        let (codes, mails) = check(
            "EHLO x\nDATA\nRCPT TO:<a@b.example>\nMAIL FROM:nobody\nMAIL FROM:<a@b.example>\nRSET\nNOOP\nVRFY x\nQUIT\n",
        )
        .await;
        let expected = [
            "220", "250", "250", "250", "250", "503", "503", "501", "250", "250", "250", "502",
            "221",
        ];
        assert_eq!(codes, expected);
        assert_eq!(mails, []);
    }

    #[tokio::test]
    async fn a_message_that_is_too_big_is_refused_and_the_next_one_taken() {
        let line = format!("{}\n", "x".repeat(1000));
        let open = "MAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\nDATA\n";
        let dialogue = format!("{open}{}.\n{open}\nsmall\n.\nQUIT\n", line.repeat(4500));
        let (codes, mails) = check(&dialogue).await;
        assert_eq!(
            codes,
            [
                "220", "250", "250", "354", "552", "250", "250", "354", "250", "221"
            ]
        );
        assert_eq!(mails.len(), 1);
    }
}
