//! What someone does who can write to the file but has no PIN.
use super::layout::{ObjectRecord, SlotRecord};
use super::*;
use crate::store::sqlite::{DATABASE, Sqlite};
use rusqlite::{Connection, params};

/// A token in a file, the file, and the user, who is logged in.
struct Scene {
    _folder: tempfile::TempDir,
    file: Connection,
    store: Arc<dyn Store>,
    vault: Vault,
    unlocked: Unlocked,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path()).unwrap());
        let file = Connection::open(folder.path().join(DATABASE)).unwrap();
        let (vault, unlocked) = token(store.clone());
        written(&vault, &unlocked, vec![insert(5, true), insert(6, true), insert(7, false)]);
        Scene { _folder: folder, file, store, vault, unlocked }
    }

    fn body(&self, id: RecordId) -> Vec<u8> {
        let sql = "SELECT body FROM record WHERE id = ?";
        self.file.query_row(sql, params![id.0], |row| row.get(0)).unwrap()
    }

    fn set_body(&self, id: RecordId, body: &[u8]) {
        let sql = "UPDATE record SET body = ? WHERE id = ?";
        assert_eq!(self.file.execute(sql, params![body, id.0]).unwrap(), 1);
    }

    fn alter(&self, id: RecordId, alter: impl Fn(&mut ObjectRecord)) {
        let mut object = ObjectRecord::parse(&self.body(id)).unwrap();
        alter(&mut object);
        self.set_body(id, &object.body().unwrap());
    }

    /// A fresh login finds out.
    fn is_found_out(&self) {
        let fresh = Vault::of(self.store.clone(), self.vault.token());
        assert_eq!(fresh.unlock(Who::User, USER).unwrap_err(), Error::DeviceError);
        assert_eq!(fresh.unlock(Who::So, SO).unwrap_err(), Error::DeviceError);
    }

    /// Someone logged in already finds out when the object is read.
    fn is_refused(&self, n: u8) {
        let entries = self.vault.changes(Revision(0)).unwrap().entries;
        let entry = entries.into_iter().find(|entry| entry.id == id(n)).unwrap();
        let refused = self.unlocked.attributes(id(n), &entry.content.unwrap());
        assert_eq!(refused.unwrap_err(), Error::DeviceError);
        let from = entry.revision;
        let update = self.vault.write(&self.unlocked, vec![update(n, from, true, b"x")]);
        assert_eq!(update.unwrap_err(), Error::DeviceError);
    }
}

#[test]
fn an_untouched_token_opens() {
    let scene = Scene::new();
    Vault::of(scene.store.clone(), scene.vault.token()).unlock(Who::User, USER).unwrap();
}

#[test]
fn swapped_rows() {
    let scene = Scene::new();
    let (a, b) = (scene.body(id(5)), scene.body(id(6)));
    scene.set_body(id(5), &b);
    scene.set_body(id(6), &a);
    scene.is_refused(5);
    scene.is_found_out();
}

#[test]
fn swapped_material() {
    let scene = Scene::new();
    let other = ObjectRecord::parse(&scene.body(id(6))).unwrap().material;
    scene.alter(id(5), |object| object.material = other.clone());
    assert!(scene.unlocked.material(id(5), &other.unwrap()).is_err());
    scene.is_refused(5);
    scene.is_found_out();
}

#[test]
fn altered_material() {
    let scene = Scene::new();
    scene.alter(id(5), |object| object.material.as_mut().unwrap()[15] ^= 1);
    scene.is_refused(5);
    scene.is_found_out();
}

#[test]
fn altered_public_object() {
    let scene = Scene::new();
    scene.alter(id(7), |object| object.open.as_mut().unwrap()[2] ^= 1);
    scene.is_refused(7);
    scene.is_found_out();
}

#[test]
fn altered_version() {
    let scene = Scene::new();
    scene.alter(id(7), |object| object.version += 1);
    scene.is_refused(7);
    scene.is_found_out();
}

#[test]
fn private_object_made_public() {
    let scene = Scene::new();
    scene.alter(id(5), |object| {
        object.open = Some(b"mine".to_vec());
        object.seal.truncate(28);
    });
    scene.is_refused(5);
    scene.is_found_out();
}

#[test]
fn deleted_row() {
    let scene = Scene::new();
    scene.file.execute("DELETE FROM record WHERE id = ?", params![id(7).0]).unwrap();
    scene.is_found_out();
}

#[test]
fn row_made_a_tombstone() {
    let scene = Scene::new();
    scene.file.execute("UPDATE record SET body = NULL WHERE id = ?", params![id(7).0]).unwrap();
    scene.is_found_out();
}

#[test]
fn row_rolled_back() {
    let scene = Scene::new();
    let (old, from) = (scene.body(id(7)), scene.vault.changes(Revision(0)).unwrap().revision);
    written(&scene.vault, &scene.unlocked, vec![update(7, from, false, b"newer")]);
    scene.set_body(id(7), &old);
    scene.is_found_out();
}

#[test]
fn destroyed_object_brought_back() {
    let scene = Scene::new();
    let (old, from) = (scene.body(id(5)), scene.vault.changes(Revision(0)).unwrap().revision);
    written(&scene.vault, &scene.unlocked, vec![Write::Delete { id: id(5), from }]);
    scene.set_body(id(5), &old);
    scene.is_found_out();
}

#[test]
fn description_rolled_back_or_altered() {
    let scene = Scene::new();
    let old = scene.body(DESCRIPTION);
    written(&scene.vault, &scene.unlocked, vec![insert(8, false)]);
    let new = scene.body(DESCRIPTION);
    scene.set_body(DESCRIPTION, &old);
    scene.is_found_out();
    let mut description = DescriptionRecord::parse(&new).unwrap();
    description.label[0] ^= 1;
    scene.set_body(DESCRIPTION, &description.body());
    scene.is_found_out();
}

#[test]
fn old_pin_brought_back() {
    let scene = Scene::new();
    let old = scene.body(Who::User.slot());
    scene.vault.change_pin(Who::User, USER, b"5678").unwrap();
    scene.set_body(Who::User.slot(), &old);
    scene.is_found_out();
}

#[test]
fn slots_do_not_move() {
    let scene = Scene::new();
    let so = scene.body(Who::So.slot());
    scene.set_body(Who::User.slot(), &so);
    assert_eq!(scene.vault.unlock(Who::User, SO).unwrap_err(), Error::DeviceError);
    let mut forged = SlotRecord::parse(&so).unwrap();
    forged.who = Who::User;
    scene.set_body(Who::User.slot(), &forged.body());
    assert_eq!(scene.vault.unlock(Who::User, SO).unwrap_err(), Error::PinIncorrect);
    scene.file.execute("DELETE FROM record WHERE id = ?", params![Who::So.slot().0]).unwrap();
    assert_eq!(scene.vault.unlock(Who::So, SO).unwrap_err(), Error::DeviceError);
}

#[test]
fn records_of_another_token() {
    let scene = Scene::new();
    let (other, unlocked) = token(scene.store.clone());
    let entry = written(&other, &unlocked, vec![insert(9, false)]).remove(0);
    let sql = "INSERT INTO record (token, id, revision, body) SELECT 1, id, 3, body FROM record WHERE id = ?";
    assert_eq!(scene.file.execute(sql, params![id(9).0]).unwrap(), 1);
    assert!(scene.unlocked.attributes(id(9), &entry.content.unwrap()).is_err());
    scene.is_found_out();
}
