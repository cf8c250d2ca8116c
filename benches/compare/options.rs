//! The command line, and what stands in for it in the environment.
use clap::Parser;
use std::path::PathBuf;

/// Two modules side by side: this project's and a peer, row by row.
#[derive(Clone, Debug, Parser)]
#[command(name = "compare")]
pub struct Options {
    /// The peer: the path of any PKCS#11 module
    #[arg(long, value_name = "MODULE", default_value = "/usr/lib/softhsm/libsofthsm2.so")]
    pub against: PathBuf,
    /// No peer: our own figures only
    #[arg(long, conflicts_with = "against")]
    pub alone: bool,
    /// Our module [default: the one built with this benchmark]
    #[arg(long, value_name = "MODULE")]
    pub ours: Option<PathBuf>,
    /// The peer's slot [env: COMPARE_SLOT]; without slot and token it gets a new token
    #[arg(long, value_name = "SLOT")]
    pub slot: Option<u64>,
    /// The label of the peer's token [env: COMPARE_TOKEN]
    #[arg(long, value_name = "LABEL", conflicts_with = "slot")]
    pub token: Option<String>,
    /// The peer's user PIN [env: COMPARE_PIN]
    #[arg(long, value_name = "PIN")]
    pub pin: Option<String>,
    /// The peer's SO PIN, for a new token [env: COMPARE_SO_PIN]
    #[arg(long, value_name = "PIN")]
    pub so_pin: Option<String>,
    /// Only rows with this in their name; may be repeated
    #[arg(long, value_name = "NAME")]
    pub row: Vec<String>,
    /// Fewer samples, and tokens of at most 10,000 objects
    #[arg(long)]
    pub quick: bool,
    /// Where to write the table
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// From the command line, else from the environment.
    pub fn read() -> Options {
        let mut options = Options::parse();
        let env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let slot = || env("COMPARE_SLOT")?.parse().ok();
        options.token = options.token.or_else(|| env("COMPARE_TOKEN"));
        if options.token.is_none() {
            options.slot = options.slot.or_else(slot);
        }
        options.pin = options.pin.or_else(|| env("COMPARE_PIN"));
        options.so_pin = options.so_pin.or_else(|| env("COMPARE_SO_PIN"));
        options
    }

    /// Whether a row of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.row.is_empty() || self.row.iter().any(|part| name.contains(part.as_str()))
    }

    /// Where our module is: beside this program, where cargo puts what it has just built.
    pub fn our_module(&self) -> PathBuf {
        self.ours.clone().unwrap_or_else(|| {
            let program = std::env::current_exe().unwrap();
            program.with_file_name("libkeyferry.so")
        })
    }
}
