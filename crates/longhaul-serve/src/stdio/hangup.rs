//! [`Hangup`]: sees that the client has closed its end while its words are not being read.

#[cfg(unix)]
use std::{fs::File, io, os::fd::AsFd};

#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};

/// The other end of stdin.
pub(super) struct Hangup {
    #[cfg(unix)]
    stdin: Option<File>,
}

impl Hangup {
    /// The end of a client that nobody can look at.
    #[cfg(any(test, not(unix)))]
    pub(super) fn unseen() -> Self {
        Self {
            #[cfg(unix)]
            stdin: None,
        }
    }

    #[cfg(unix)]
    pub(super) fn of(stdin: Option<File>) -> Self {
        Self { stdin }
    }

    /// Resolves when the client has closed its end; never where that cannot be seen.
    pub(super) async fn seen(&self) {
        #[cfg(unix)]
        if let Some(stdin) = &self.stdin
            && closed(stdin).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Words that wait make it readable, too; they are left where they are. Fails for files, which have
/// no other end.
#[cfg(unix)]
async fn closed(stdin: &File) -> io::Result<()> {
    #[expect(deprecated, reason = "unsound only for what is no open descriptor; the successor is unsafe")]
    let stdin = AsyncFd::with_interest(stdin.as_fd(), Interest::READABLE)?;
    loop {
        let mut guard = stdin.readable().await?;
        if guard.ready().is_read_closed() {
            return Ok(());
        }
        guard.clear_ready();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{
        io::{Read, Write, pipe},
        net::Shutdown,
        os::{fd::OwnedFd, unix::net::UnixStream},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    async fn check(ours: impl Into<OwnedFd>, hang_up: impl FnOnce()) {
        let mut ours = File::from(ours.into());
        let hangup = Hangup::of(ours.try_clone().ok());
        assert!(timeout(SOON, hangup.seen()).await.is_err(), "words are no hang-up");
        let mut seen = tokio::spawn(async move { hangup.seen().await });
        assert!(timeout(SOON, &mut seen).await.is_err());
        hang_up();
        timeout(Duration::from_secs(5), seen).await.unwrap().unwrap();
        let mut words = [0; 5];
        ours.read_exact(&mut words).unwrap();
        assert_eq!(&words, b"words", "they wait as before");
    }

    #[tokio::test]
    async fn the_end_of_a_pipe_is_seen_behind_words_that_wait() {
        let (ours, mut theirs) = pipe().unwrap();
        theirs.write_all(b"words").unwrap();
        check(ours, || drop(theirs)).await;
    }

    #[tokio::test]
    async fn the_end_of_a_socket_is_seen_behind_words_that_wait() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"words").unwrap();
        check(ours, || theirs.shutdown(Shutdown::Write).unwrap()).await;
    }

    #[tokio::test]
    async fn a_file_never_hangs_up() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        assert!(timeout(SOON, Hangup::of(Some(file)).seen()).await.is_err());
    }
}
