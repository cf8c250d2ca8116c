//! Everything a run has: both sides, a folder for their tokens, and what was measured already.
use crate::filled::{Filled, Owner};
use crate::measure::Pace;
use crate::options::Options;
use crate::side::Side;
use keyferry::ck::*;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub struct Bench {
    pub options: Options,
    pub pace: Pace,
    pub folder: tempfile::TempDir,
    pub ours: Side,
    pub peer: Option<Side>,
    single: OnceCell<Side>,
    pub filled: RefCell<FilledTokens>,
}

/// Tokens by owner and wanted number of objects; `None` where one could not be made.
pub type FilledTokens = HashMap<(Owner, usize), Option<Rc<Filled>>>;

impl Bench {
    pub fn new(options: Options) -> Result<Bench, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let conf = softhsm_conf(&folder.path().join("peer"));
        // nothing else runs yet that could read the environment meanwhile
        unsafe { std::env::set_var("SOFTHSM2_CONF", conf) };
        let store = format!("sqlite:{}", folder.path().join("ours").display());
        let ours = Side::ours(&options.our_module(), &store, 0)?;
        let peer = if options.alone { None } else { Some(Side::peer(&options)?) };
        Ok(Bench {
            pace: Pace::new(options.quick),
            options,
            folder,
            ours,
            peer,
            single: OnceCell::new(),
            filled: RefCell::default(),
        })
    }

    /// Our module once more, forbidden to make threads: a copy of the file is a module of its own.
    pub fn single(&self) -> &Side {
        self.single.get_or_init(|| {
            let copy = self.folder.path().join("single.so");
            std::fs::copy(&self.ours.path, &copy).unwrap();
            Side::ours(&copy, "memory:", CKF_LIBRARY_CANT_CREATE_OS_THREADS).unwrap()
        })
    }

    /// Whether the peer's token is a throw-away one of ours, to be filled at will.
    pub fn may_fill_peer(&self) -> bool {
        self.peer.is_some() && self.options.slot.is_none() && self.options.token.is_none()
    }

    /// What was measured, where and when.
    pub fn caption(&self) -> String {
        let peer = self.peer.as_ref().map_or_else(|| "no peer".into(), |peer| peer.module.name());
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
        let cpu = cpu.trim_start_matches(['\t', ' ', ':']);
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let avx512 = if cpus.contains("avx512ifma") { "AVX-512 IFMA" } else { "no AVX-512 IFMA" };
        let load = read("/proc/loadavg");
        let load = load.split(' ').next().unwrap_or("?");
        let kernel = read("/proc/sys/kernel/osrelease");
        format!(
            "{} against {peer}; {cpu}, {cores} cores, {avx512}, Linux {}, load {load} at the start",
            self.ours.module.name(),
            kernel.trim(),
        )
    }
}

/// A configuration of SoftHSM with its tokens in `folder`; means nothing to other modules.
pub fn softhsm_conf(folder: &Path) -> PathBuf {
    let tokens = folder.join("tokens");
    std::fs::create_dir_all(&tokens).unwrap();
    let conf = folder.join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&conf, text).unwrap();
    conf
}
