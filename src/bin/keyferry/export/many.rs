//! Many keys in one run: side by side, each with a result of its own, and the run can be repeated.
use super::folder::{Folder, Source};
use super::identity;
use super::ready::{Plan, Run};
use super::which::{Asked, Item, Refused};
use crate::file::{self, Existing, Pending};
use crate::kind::hex;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, fault};
use crate::progress::Progress;
use keyferry::byok::cloud::Cloud;
use keyferry::ck::CK_OBJECT_HANDLE;
use keyferry::client::{Access, Session};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Exported,
    AlreadyThere,
    Refused,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Exported => "exported",
            Outcome::AlreadyThere => "already there",
            Outcome::Refused => "refused",
        }
    }
}

/// What became of a key, and what there is to say of it.
struct Ended {
    outcome: Outcome,
    json: Value,
    /// The upload command of its file.
    next: Option<String>,
    line: String,
}

impl Ended {
    fn well(plan: &Plan<'_>, outcome: Outcome) -> Result<Ended, Fault> {
        let (item, next) = (&plan.item, plan.next()?);
        let name = match item.name == item.label {
            true => String::new(),
            false => format!(" as \"{}\"", clean(&item.name)),
        };
        let line = format!(
            "{:13}  \"{}\"{name}  {}",
            outcome.name(),
            clean(&item.label),
            clean(&item.path.display().to_string())
        );
        let json = json!({
            "result": outcome.name(), "key": item.label, "id": hex(&item.id), "name": item.name,
            "type": plan.kind.name(), "file": item.path, "next": next, "error": null,
        });
        Ok(Ended { outcome, json, next, line })
    }

    fn refused(label: &str, id: Option<String>, fault: &Fault) -> Ended {
        let outcome = Outcome::Refused;
        let line = format!("{:13}  \"{}\"  {}", outcome.name(), clean(label), clean(&fault.0));
        let json = json!({
            "result": outcome.name(), "key": label, "id": id, "name": null, "type": null, "file": null,
            "next": null, "error": fault.0,
        });
        Ended { outcome, json, next: None, line }
    }
}

/// Workers for each processor: some of them wait for the disk, or the module for its HSM.
const PER_CORE: usize = 4;

/// What all workers share.
struct Work<'a> {
    run: &'a Run<'a>,
    folder: &'a Folder,
    kek: CK_OBJECT_HANDLE,
    made_for: String,
    items: Vec<Item>,
    next: AtomicUsize,
}

impl Run<'_> {
    /// Exports them.
    pub fn many(
        &self,
        session: &Session,
        options: &Options,
        asked: Asked,
        usual: &str,
        folder: &Folder,
    ) -> Answer {
        let (items, refused) = self.common.many(session, asked, usual)?;
        folder.sweep(&items);
        let made_for = format!("{} {}", self.chosen.fingerprint, self.recipe.purpose());
        let kek = self.chosen.object(session)?;
        let work = Work { run: self, folder, kek, made_for, items, next: AtomicUsize::new(0) };
        let mut progress = Progress::new(work.items.len() + refused.len(), options.json);
        let ended = work.all(session, refused, &mut progress)?;
        // once for all of them: a run that a power failure ends is run again
        file::sync_folder(folder.path());
        progress.end();
        self.summary(folder, &ended)
    }

    fn summary(&self, folder: &Folder, ended: &[Ended]) -> Answer {
        let count = |outcome| ended.iter().filter(|ended| ended.outcome == outcome).count();
        let [exported, there, refused] =
            [Outcome::Exported, Outcome::AlreadyThere, Outcome::Refused].map(count);
        let path = folder.path().display();
        let keys =
            if ended.len() == 1 { "1 key".to_owned() } else { format!("{} keys", ended.len()) };
        let mut text = format!(
            "\n{keys}: {exported} exported, {there} already there, {refused} refused; the files are in {path}\n"
        );
        if let Some(next) = ended.iter().find_map(|ended| ended.next.as_ref()) {
            text += &format!(
                "\nUpload each (--json has every command) with one such as\n  {}\n",
                clean(next)
            );
        }
        let json = json!({
            "cloud": self.recipe.cloud().map(|cloud: &Cloud| cloud.command), "folder": folder.path(),
            "kek_bits": self.chosen.kek.bits(), "kek_sha256": self.chosen.fingerprint,
            "exported": exported, "already_there": there, "refused": refused,
            "keys": ended.iter().map(|ended| ended.json.clone()).collect::<Value>(),
        });
        let were = if refused == 1 { "was refused," } else { "were refused, each" };
        let finding = (refused > 0).then(|| {
            fault!(
                "{refused} of {keys} {were} for the reason that stands with it; mend that and run the same command \
                 again, which does what is missing"
            )
        });
        Ok(Report { text, json, finding })
    }
}

impl Work<'_> {
    /// Several at a time, if the module and the token let us.
    fn all(
        &self,
        session: &Session,
        refused: Vec<Refused>,
        progress: &mut Progress,
    ) -> Result<Vec<Ended>, Fault> {
        let mut ended = Vec::new();
        for (wanted, fault) in refused {
            let one = Ended::refused(&wanted.label, wanted.id, &fault);
            progress.step(&one.line, true)?;
            ended.push(one);
        }
        let others = self.other_sessions(session);
        let mut done: Vec<Option<Ended>> = Vec::new();
        done.resize_with(self.items.len(), || None);
        std::thread::scope(|scope| -> Result<(), Fault> {
            let (send, receive) = mpsc::channel();
            for session in others.iter().chain([session]) {
                let send = send.clone();
                scope.spawn(move || self.some(session, &send));
            }
            drop(send);
            for (at, one) in receive {
                progress.step(&one.line, one.outcome == Outcome::Refused)?;
                if let Some(place) = done.get_mut(at) {
                    *place = Some(one);
                }
            }
            Ok(())
        })?;
        ended.extend(done.into_iter().flatten());
        Ok(ended)
    }

    /// Beside the one there is. A login counts for all sessions of a process.
    fn other_sessions(&self, session: &Session) -> Vec<Session> {
        let module = session.module();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = cores.saturating_mul(PER_CORE).min(self.items.len());
        let wanted = if module.takes_threads() { workers } else { 1 };
        let open = |_| module.open(session.slot(), Access::ReadOnly).ok();
        (1..wanted).map_while(open).collect()
    }

    /// One after the other, until there are no more, or nobody listens.
    fn some(&self, session: &Session, send: &mpsc::Sender<(usize, Ended)>) {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = self.items.get(at) else { return };
            let ended = self
                .one(session, item)
                .unwrap_or_else(|fault| Ended::refused(&item.label, Some(hex(&item.id)), &fault));
            if send.send((at, ended)).is_err() {
                return;
            }
        }
    }

    fn one(&self, session: &Session, item: &Item) -> Result<Ended, Fault> {
        let existing = self.run.common.existing();
        let is_there = existing == Existing::Refuse && item.path.symlink_metadata().is_ok();
        // a link may lead to another file tomorrow, and a pipe has no end
        let there = match is_there && file::is_file(&item.path) {
            true => Some(file::read(&item.path, "file")?),
            false => None,
        };
        let identity = identity::of(session, item)?;
        // what has no identity is not the same as anything, itself included
        let is_told = identity.is_some();
        let source =
            Source { item, identity: identity.unwrap_or_default(), made_for: &self.made_for };
        if there.as_ref().is_some_and(|file| is_told && self.folder.knows(&source, file)) {
            return Ended::well(&self.run.plan(session, item.clone())?, Outcome::AlreadyThere);
        }
        let ready = self.run.ready(session, item.clone())?;
        if is_there {
            return Err(not_known(item, is_told));
        }
        let bytes = self.run.recipe.file(&ready.wrap(session, self.kek)?);
        self.folder.note(&source, &bytes)?;
        Pending::in_proved(&item.path, existing).commit_name_later(&bytes)?;
        Ended::well(&ready.plan, Outcome::Exported)
    }
}

/// Why a file that is there is not taken for the key's own.
fn not_known(item: &Item, is_told: bool) -> Fault {
    let path = item.path.display();
    match is_told {
        true => fault!(
            "{path} exists already, and it is not known to be this key under this KEK; move it away, or replace it \
             with --force"
        ),
        false => fault!(
            "{path} exists already, and the module shows nothing that tells this key from another of its label and id; \
             move it away, or replace it with --force"
        ),
    }
}
