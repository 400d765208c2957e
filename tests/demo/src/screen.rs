//! What the audience sees: live bars in a terminal, plain lines in a pipe.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Where the demo is shown.
pub(crate) struct Screen {
    live: bool,
}

/// One bar, or the lines that stand for it.
#[derive(Clone)]
pub(crate) struct Bar {
    live: Option<ProgressBar>,
    last: Arc<Mutex<String>>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { live: std::io::stdout().is_terminal() }
    }

    pub(crate) fn title(&self, text: &str) {
        let text = if self.live { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
        println!("\n{text}");
    }

    pub(crate) fn say(&self, text: &str) {
        println!("{text}");
    }

    pub(crate) fn bar(&self) -> Bar {
        let live = self.live.then(|| {
            let style = ProgressStyle::with_template("  {spinner:.cyan} {bar:24.cyan/dim} {msg}");
            let bar = ProgressBar::new(100);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        });
        Bar { live, last: Arc::default() }
    }
}

impl Bar {
    /// Shows the newest progress. In a pipe a line is printed only when more than the time changed.
    pub(crate) fn show(&self, progress: f64, message: &str) {
        let what = message.rsplit_once(" (").map_or(message, |(what, _)| what);
        let Ok(mut last) = self.last.lock() else { return };
        match &self.live {
            Some(bar) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
                bar.set_position(progress as u64);
                bar.set_message(message.to_owned());
            }
            None if *last != what => println!("  · {message}"),
            None => {}
        }
        what.clone_into(&mut last);
    }

    pub(crate) fn done(&self) {
        if let Some(bar) = &self.live {
            bar.finish_and_clear();
        }
    }
}
