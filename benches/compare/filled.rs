//! Tokens with many objects, on either side, and what was measured with them.
use crate::bench::{Bench, softhsm_conf};
use crate::child::{Figures, Task, names};
use crate::measure::median;
use crate::side::{Kind, PIN};
use keyferry::ck::*;
use keyferry::crypto::Secret;
use keyferry::object::attribute::Value;
use keyferry::object::record;
use keyferry::store::sqlite::Sqlite;
use keyferry::store::vault::{Unlocked, Vault, Who, Write};
use keyferry::store::{RecordId, Revision, Store};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Ours,
    Peer,
}

/// A token with objects.
pub struct Filled {
    /// How many there are; not always as many as were wanted.
    pub count: usize,
    pub figures: Figures,
}

/// How long the peer may take to make its objects, in seconds.
const PATIENCE: usize = 120;

/// A token with `n` objects was started in processes of their own: the medians.
pub fn filled(bench: &Bench, owner: Owner, n: usize) -> Option<Rc<Filled>> {
    if owner == Owner::Peer && !bench.may_fill_peer() {
        return None;
    }
    let known = bench.filled.borrow().get(&(owner, n)).cloned();
    known.unwrap_or_else(|| {
        let measured = measure(bench, owner, n).map(Rc::new);
        let measured = measured.map_err(|why| eprintln!("    {owner:?}, {n} objects: {why}")).ok();
        bench.filled.borrow_mut().insert((owner, n), measured.clone());
        measured
    })
}

fn measure(bench: &Bench, owner: Owner, n: usize) -> Result<Filled, String> {
    let folder = bench.folder.path().join(format!("{owner:?} {n}"));
    let (task, count) = match owner {
        Owner::Ours => {
            let task = Task {
                module: bench.ours.path.clone(),
                reserved: Some(format!("sqlite:{}", folder.display())),
                softhsm_conf: None,
            };
            task.run("fill", &[1, PATIENCE])?;
            multiply(&folder, n)?;
            (task, n)
        }
        Owner::Peer => {
            let module = bench.options.against.clone();
            let conf = Some(softhsm_conf(&folder));
            let task = Task { module, reserved: None, softhsm_conf: conf };
            let patience = if bench.options.quick { PATIENCE / 6 } else { PATIENCE };
            let made = task.run("fill", &[n, patience])?.get("made").copied().unwrap_or_default();
            (task, made as usize)
        }
    };
    let runs = if bench.options.quick { 1 } else { 3 };
    let runs: Result<Vec<Figures>, String> =
        (0..runs).map(|_| task.run("start", &[count])).collect();
    let runs = runs?;
    let names = runs.first().map(|run| run.keys().cloned().collect::<Vec<_>>());
    let middle = |name: String| {
        let all = runs.iter().filter_map(|run| run.get(&name).copied()).collect();
        (name, median(all))
    };
    Ok(Filled { count, figures: names.into_iter().flatten().map(middle).collect() })
}

/// A token of ours with `n` keys of one kind in `folder/store`. They are one key under many names.
pub fn rsa_keys(bench: &Bench, folder: &Path, kind: Kind, n: usize) -> Result<(), String> {
    let Kind::Rsa(bits) = kind else { return Err("not RSA".into()) };
    let store = folder.join("store");
    std::fs::create_dir(folder).map_err(|e| e.to_string())?;
    let task = Task {
        module: bench.ours.path.clone(),
        reserved: Some(format!("sqlite:{}", store.display())),
        softhsm_conf: None,
    };
    task.run("pair", &[bits])?;
    multiply(&store, n)
}

/// Makes the one object of the token in `folder` into `n`, many in a transaction: what is stored is
/// what `C_CreateObject` stores, but without a synchronisation for each.
fn multiply(folder: &Path, n: usize) -> Result<(), String> {
    let failed = |what| move |e| format!("{what}: {e:?}");
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder).map_err(failed("store"))?);
    let token = *store.tokens().map_err(failed("tokens"))?.first().ok_or("no token")?;
    let vault = Vault::of(store, token);
    let unlocked = vault.unlock(Who::User, PIN.as_bytes()).map_err(failed("unlock"))?;
    let changes = vault.changes(Revision(0)).map_err(failed("changes"))?;
    let model = changes.entries.into_iter().find_map(|e| Some((e.id, e.content?)));
    let (id, sealed) = model.ok_or("no object to go by")?;
    let attributes = unlocked.attributes(id, &sealed).map_err(failed("attributes"))?;
    let material = sealed.material.ok_or("no material")?;
    let material = unlocked.material(id, &material).map_err(failed("material"))?;
    let all: Vec<usize> = (1..n).collect();
    for some in all.chunks(2000) {
        let writes = some.iter().map(|n| copy(&attributes, &material, *n)).collect();
        write(&vault, &unlocked, writes)?;
    }
    Ok(())
}

fn write(vault: &Vault, unlocked: &Unlocked, writes: Vec<Write>) -> Result<(), String> {
    let written = vault.write(unlocked, writes).map_err(|e| format!("write: {e:?}"))?;
    written.map(drop).ok_or_else(|| "another writer was first".into())
}

fn copy(attributes: &Secret, material: &Secret, n: usize) -> Write {
    let mut attributes = record::decode(attributes).unwrap();
    let (label, id) = names(n);
    let unique = format!("00000000-0000-4000-8000-{n:012x}");
    attributes.set(CKA_LABEL, Value::bytes(label.as_bytes()));
    attributes.set(CKA_ID, Value::bytes(&id));
    attributes.set(CKA_UNIQUE_ID, Value::bytes(unique.as_bytes()));
    let mut place = [0x80; 16];
    place[..8].copy_from_slice(&(n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    place[8..].copy_from_slice(&(n as u64).to_be_bytes());
    Write::Insert {
        id: RecordId(place),
        private: true,
        attributes: record::encode(&attributes),
        material: Some(material.clone()),
    }
}
