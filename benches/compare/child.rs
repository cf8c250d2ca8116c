//! What is measured in a process of its own: a module loaded for the first time, a token that is
//! filled or started, and the memory this takes. Answers in lines of a name and a number.
use crate::common::{Mech, RawTemplate, Rv, attrs};
use crate::driver::{Module, Session};
use crate::measure::{Clock, Pace, Work, median, medians, scaling};
use crate::side::{Kind, LABEL, PIN, SO_PIN, labelled, new_token};
use keyferry::ck::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the first argument is.
pub const OPTION: &str = "--child";

/// What a child is asked to do, and where.
#[derive(Clone, Debug)]
pub struct Task {
    pub module: PathBuf,
    /// `pReserved`, and what SoftHSM reads from the environment.
    pub reserved: Option<String>,
    pub softhsm_conf: Option<PathBuf>,
}

pub type Figures = HashMap<String, f64>;

impl Task {
    /// Runs this program again as a child.
    pub fn run(&self, what: &str, numbers: &[usize]) -> Result<Figures, String> {
        let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
        command.arg(OPTION).arg(what).arg(&self.module);
        command.arg(self.reserved.as_deref().unwrap_or_default());
        command.args(numbers.iter().map(usize::to_string));
        if let Some(conf) = &self.softhsm_conf {
            command.env("SOFTHSM2_CONF", conf);
        }
        let output = command.output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let figure = |line: &str| {
            let (name, number) = line.rsplit_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        Ok(text.lines().filter_map(figure).collect())
    }
}

/// The child itself.
pub fn main(arguments: &[String]) {
    let [what, module, reserved, numbers @ ..] = arguments else { panic!("too few arguments") };
    let reserved = (!reserved.is_empty()).then_some(reserved.as_str());
    let numbers: Vec<usize> = numbers.iter().map(|n| n.parse().unwrap()).collect();
    let module = Path::new(module);
    match (what.as_str(), numbers.as_slice()) {
        ("load", []) => load(module, reserved),
        ("fill", [n, seconds]) => fill(module, reserved, *n, *seconds),
        ("pair", [bits]) => pair(module, reserved, *bits),
        ("start", [n]) => start(module, reserved, *n),
        _ => panic!("no such task"),
    }
}

fn say(name: &str, number: f64) {
    println!("{name} {number}");
}

/// `dlopen` and `C_Initialize`.
fn load(path: &Path, reserved: Option<&str>) {
    let start = Instant::now();
    let module = Module::load(path).unwrap();
    module.initialize(reserved, 0).unwrap();
    say("load", start.elapsed().as_secs_f64());
    module.finalize().unwrap();
}

/// A new token with up to `n` objects, as many as can be made in so many seconds.
fn fill(path: &Path, reserved: Option<&str>, n: usize, seconds: usize) {
    let module = Module::load(path).unwrap();
    module.initialize(reserved, 0).unwrap();
    let slot = new_token(&module, SO_PIN, PIN).unwrap();
    let session = module.open(slot).unwrap();
    session.login(CKU_USER, PIN.as_bytes()).unwrap();
    let start = Instant::now();
    let mut made = 0;
    while made < n && start.elapsed() < Duration::from_secs(seconds as u64) {
        session.create(&mut object(made)).unwrap();
        made += 1;
    }
    say("made", made as f64);
    module.finalize().unwrap();
}

/// A new token with one RSA key that may leave.
fn pair(path: &Path, reserved: Option<&str>, bits: usize) {
    let module = Module::load(path).unwrap();
    module.initialize(reserved, 0).unwrap();
    let session = module.open(new_token(&module, SO_PIN, PIN).unwrap()).unwrap();
    session.login(CKU_USER, PIN.as_bytes()).unwrap();
    let kind = Kind::Rsa(bits);
    let (mut public, _) = kind.templates();
    let (label, id) = names(0);
    let mut private = RawTemplate::new(&attrs![
        CKA_TOKEN => true, CKA_SENSITIVE => true, CKA_EXTRACTABLE => true, CKA_SIGN => true,
        CKA_LABEL => label.as_str(), CKA_ID => id
    ]);
    session.generate_pair(&kind.mechanism(), &mut public, &mut private).unwrap();
    module.finalize().unwrap();
}

/// A token object: an AES key with a label and an id of its own.
fn object(n: usize) -> RawTemplate {
    let (label, id) = names(n);
    RawTemplate::new(&attrs![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => true,
        CKA_PRIVATE => true, CKA_SENSITIVE => true, CKA_EXTRACTABLE => true,
        CKA_LABEL => label.as_str(), CKA_ID => id, CKA_VALUE => &[7u8; 32]
    ])
}

/// Label and id of the object.
pub fn names(n: usize) -> (String, Vec<u8>) {
    let mut id = vec![0xA5; 12];
    id.extend((n as u64).to_be_bytes());
    (format!("object {n:06}"), id)
}

/// The start of a token with `n` objects, then searches in it.
fn start(path: &Path, reserved: Option<&str>, n: usize) {
    let mut clock = Instant::now();
    let mut total = 0.0;
    let mut lap = |name: &str| {
        let seconds = clock.elapsed().as_secs_f64();
        total += seconds;
        say(name, seconds);
        clock = Instant::now();
        total
    };
    let module = Module::load(path).unwrap();
    module.initialize(reserved, 0).unwrap();
    lap("initialise");
    let slot = labelled(&module, LABEL).unwrap();
    let session = module.open(slot).unwrap();
    lap("open");
    session.login(CKU_USER, PIN.as_bytes()).unwrap();
    lap("login");
    let label = names(n / 2).0;
    let mut template = RawTemplate::new(&attrs![CKA_LABEL => label.as_str()]);
    assert_eq!(session.find(&mut template), Ok(1));
    say("start", lap("first find"));
    say("memory", memory("VmRSS:"));
    say("peak memory", memory("VmHWM:"));
    searches(session, n);
    say(
        "find threads",
        scaling(Pace { rounds: 5, ..Pace::new(true) }, || {
            let session = module.open(slot).unwrap();
            by_label(session, n)
        }),
    );
    let logins = (0..5).map(|_| {
        session.logout().unwrap();
        let start = Instant::now();
        session.login(CKU_USER, PIN.as_bytes()).unwrap();
        start.elapsed().as_secs_f64()
    });
    say("login again", median(logins.collect()));
    module.finalize().unwrap();
}

/// A line of `/proc/self/status`, in bytes.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rest = status.lines().find_map(|text| text.strip_prefix(line)).unwrap_or_default();
    let kib: f64 = rest.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
    kib * 1024.0
}

/// Finding one of `n` objects, another each time.
fn searches(session: Session, n: usize) {
    let label = by_label(session, n);
    let id = finding(session, n, |(_, id)| RawTemplate::new(&attrs![CKA_ID => id]));
    let both = finding(session, n, |(_, id)| {
        RawTemplate::new(&attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_ID => id])
    });
    let parts: [Option<Work<'_>>; 3] =
        [Some(Box::new(label)), Some(Box::new(id)), Some(Box::new(both))];
    let times = medians(Pace::new(true), Clock::Thread, parts);
    for (name, time) in ["find by label", "find by id", "find by id and class"].iter().zip(times) {
        say(name, time.unwrap());
    }
}

fn by_label(session: Session, n: usize) -> impl FnMut() -> Rv<()> {
    finding(session, n, |(label, _)| RawTemplate::new(&attrs![CKA_LABEL => label.as_str()]))
}

fn finding(
    session: Session,
    n: usize,
    template: impl Fn((String, Vec<u8>)) -> RawTemplate,
) -> impl FnMut() -> Rv<()> {
    // a prime far from any power of two, to step through all of them
    let mut templates: Vec<_> = (0..64).map(|i| template(names(i * 7919 % n))).collect();
    let mut next = 0;
    move || {
        next = (next + 1) % templates.len();
        let found = session.find(&mut templates[next])?;
        assert_eq!(found, 1, "one object has the name");
        Ok(())
    }
}

/// The durable object of a row, made and destroyed again; only the making is timed.
pub fn creation(session: Session, template: &mut RawTemplate) -> Rv<f64> {
    let start = Instant::now();
    let key = session.generate(&Mech::new(CKM_AES_KEY_GEN), template)?;
    let seconds = start.elapsed().as_secs_f64();
    session.destroy(key).map(|()| seconds)
}
