//! Search: objects by handle, and by class, id and label without a scan.
//!
//! Everything that looks for objects comes here, so that a token too large for memory could ask its
//! store instead.
use super::Object;
use super::attribute::{self, Attributes, Value};
use super::class::{self, Class};
use crate::ck::*;
use std::collections::hash_map::{Entry, HashMap, RandomState};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;

/// What is usually searched for.
const INDEXED: [CK_ATTRIBUTE_TYPE; 3] = [CKA_CLASS, CKA_ID, CKA_LABEL];

/// The classes that have key material.
const KEYS: [CK_OBJECT_CLASS; 2] = [CKO_PRIVATE_KEY, CKO_SECRET_KEY];

/// The objects of a token that are in sight, by handle and by what is usually searched for.
#[derive(Debug, Default)]
pub struct Index {
    objects: BTreeMap<CK_OBJECT_HANDLE, Arc<Object>>,
    /// By a hash of attribute and value rather than by the value, which the object has already.
    /// Two values with one hash share their handles; [`matches`] tells them apart.
    by_value: HashMap<NonZeroU64, Handles, BuildHasherDefault<Itself>>,
    hashes: Hashes,
}

/// How values are hashed: keyed at random, so that nobody can choose labels that all have one hash.
#[derive(Clone, Debug, Default)]
pub struct Hashes(RandomState);

/// An object, and the hashes under which it is to be found.
#[derive(Debug)]
pub struct Hashed {
    object: Arc<Object>,
    hashes: [Option<NonZeroU64>; INDEXED.len()],
}

/// The hash of a hash.
#[derive(Debug, Default)]
struct Itself(u64);

/// Handles under one hash, mostly one.
#[derive(Debug)]
enum Handles {
    One(CK_OBJECT_HANDLE),
    Many(BTreeSet<CK_OBJECT_HANDLE>),
}

impl Index {
    /// How it hashes, for whoever makes many objects and has time for it when they are made.
    pub fn hashes(&self) -> Hashes {
        self.hashes.clone()
    }
    /// Puts `object` at `handle`, in place of what was there.
    pub fn insert(&mut self, handle: CK_OBJECT_HANDLE, object: Arc<Object>) {
        self.insert_hashed(handle, self.hashes.of(object));
    }
    /// The same with an object that was hashed by [`Self::hashes`].
    pub fn insert_hashed(&mut self, handle: CK_OBJECT_HANDLE, Hashed { object, hashes }: Hashed) {
        if let Some(old) = self.objects.insert(handle, object) {
            self.forget(handle, &old);
        }
        for hash in hashes.into_iter().flatten() {
            match self.by_value.entry(hash) {
                Entry::Occupied(mut handles) => handles.get_mut().insert(handle),
                Entry::Vacant(place) => {
                    place.insert(Handles::One(handle));
                }
            }
        }
    }
    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        // an id and a label each
        self.by_value.reserve(2 * more);
    }
    /// Takes away and returns what is at `handle`.
    pub fn remove(&mut self, handle: CK_OBJECT_HANDLE) -> Option<Arc<Object>> {
        let object = self.objects.remove(&handle)?;
        self.forget(handle, &object);
        Some(object)
    }
    /// It is not found by its values any more.
    fn forget(&mut self, handle: CK_OBJECT_HANDLE, object: &Object) {
        for hash in self.hashes.among(object.attributes()).into_iter().flatten() {
            if let Entry::Occupied(mut handles) = self.by_value.entry(hash)
                && handles.get_mut().remove(handle)
            {
                handles.remove();
            }
        }
    }
    /// What is at `handle`.
    pub fn at(&self, handle: CK_OBJECT_HANDLE) -> Option<&Arc<Object>> {
        self.objects.get(&handle)
    }
    /// Handles of the objects that match `template`, in ascending order; the narrowest index that
    /// applies is used.
    pub fn find(&self, template: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
        self.select(template, |object| matches(object, template))
    }
    /// Handles of the objects of which nobody can say whether they match `template` before their
    /// key material, which may be seen, is open.
    pub fn undecided(&self, template: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
        if !template.iter().any(|(cka, _)| KEYS.iter().any(|c| class::is_material(*c, cka))) {
            return Vec::new();
        }
        self.select(template, |object| {
            object.material().is_err()
                && template.iter().all(|(cka, wanted)| {
                    if class::is_material(object.class(), cka) {
                        object.shows(cka)
                    } else {
                        has(object, cka, wanted)
                    }
                })
        })
    }
    /// Handles of the objects that `wanted` picks, in ascending order, of those that the narrowest
    /// index leaves.
    fn select(
        &self,
        template: &Attributes,
        wanted: impl Fn(&Object) -> bool,
    ) -> Vec<CK_OBJECT_HANDLE> {
        let narrowest = self
            .hashes
            .among(template)
            .into_iter()
            .flatten()
            .map(|hash| self.by_value.get(&hash))
            .min_by_key(|handles| handles.map_or(0, Handles::len));
        let Some(narrowest) = narrowest else {
            let all = self.iter().filter(|(_, object)| wanted(object));
            return all.map(|(handle, _)| handle).collect();
        };
        let found = |handle: &CK_OBJECT_HANDLE| self.at(*handle).is_some_and(|o| wanted(o));
        match narrowest {
            None => Vec::new(),
            Some(Handles::One(handle)) => Some(*handle).filter(found).into_iter().collect(),
            Some(Handles::Many(handles)) => handles.iter().copied().filter(found).collect(),
        }
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (CK_OBJECT_HANDLE, &Arc<Object>)> {
        self.objects.iter().map(|(handle, object)| (*handle, object))
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.objects.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Hashes {
    /// `object` with its hashes.
    pub fn of(&self, object: Arc<Object>) -> Hashed {
        Hashed { hashes: self.among(object.attributes()), object }
    }

    /// The hashes under which `attributes` are found. An empty id or label says nothing, so it has none.
    fn among(&self, attributes: &Attributes) -> [Option<NonZeroU64>; INDEXED.len()] {
        INDEXED.map(|cka| {
            let hash = match attributes.value(cka)? {
                Value::Ulong(number) => self.0.hash_one((cka, number)),
                Value::Bytes(bytes) if !bytes.is_empty() => {
                    self.0.hash_one((cka, bytes.as_slice()))
                }
                _ => return None,
            };
            NonZeroU64::new(hash).or(Some(NonZeroU64::MIN))
        })
    }
}

impl Hasher for Itself {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

impl Handles {
    fn len(&self) -> usize {
        match self {
            Handles::One(_) => 1,
            Handles::Many(handles) => handles.len(),
        }
    }
    fn insert(&mut self, handle: CK_OBJECT_HANDLE) {
        match self {
            Handles::One(one) => *self = Handles::Many(BTreeSet::from([*one, handle])),
            Handles::Many(handles) => {
                handles.insert(handle);
            }
        }
    }
    /// Takes `handle` out; whether none is left.
    fn remove(&mut self, handle: CK_OBJECT_HANDLE) -> bool {
        match self {
            Handles::One(one) => *one == handle,
            Handles::Many(handles) => {
                handles.remove(&handle);
                handles.is_empty()
            }
        }
    }
}

/// Whether `object` has every attribute of `template` with the same value. Key material never
/// matches unless it may be revealed, and has been opened: [`Index::undecided`] says whose to open.
pub fn matches(object: &Object, template: &Attributes) -> bool {
    template.iter().all(|(cka, wanted)| {
        if !class::is_material(object.class(), cka) {
            return has(object, cka, wanted);
        }
        let material = object.material().ok().flatten();
        object.shows(cka) && material.is_some_and(|m| m.value(cka) == Some(wanted))
    })
}

/// Whether an attribute that is not key material has this value. One that the class has and the
/// object has not got is an empty one, as [`policy::reveal`](super::policy::reveal) says too.
fn has(object: &Object, cka: CK_ATTRIBUTE_TYPE, wanted: &Value) -> bool {
    match object.attributes().value(cka) {
        Some(value) => value == wanted,
        None => {
            let empty = attribute::row(cka).ok().and_then(|row| Value::empty(row.kind));
            empty.as_ref() == Some(wanted)
                && Class::of(object.attributes()).is_ok_and(|class| class.attribute(cka).is_ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret_key(label: &str, sensitive: bool) -> Arc<Object> {
        Arc::new(Object::new(Attributes::from_iter([
            (CKA_CLASS, Value::Ulong(CKO_SECRET_KEY)),
            (CKA_KEY_TYPE, Value::Ulong(CKK_AES)),
            (CKA_LABEL, Value::bytes(label.as_bytes())),
            (CKA_ID, Value::bytes(&[])),
            (CKA_SENSITIVE, Value::Bool(sensitive)),
            (CKA_EXTRACTABLE, Value::Bool(true)),
            (CKA_VALUE, Value::bytes(&[9; 16])),
        ])))
    }

    fn wanted<const N: usize>(pairs: [(CK_ATTRIBUTE_TYPE, Value); N]) -> Attributes {
        Attributes::from_iter(pairs)
    }

    fn label(label: &str) -> Attributes {
        wanted([(CKA_LABEL, Value::bytes(label.as_bytes()))])
    }

    #[test]
    fn found_by_each_index_by_several_and_by_none() {
        let mut index = Index::default();
        for handle in [5, 3, 9, 1] {
            index.insert(handle, secret_key(if handle > 4 { "late" } else { "early" }, true));
        }
        let class = (CKA_CLASS, Value::Ulong(CKO_SECRET_KEY));
        assert_eq!(index.find(&Attributes::new()), [1, 3, 5, 9]);
        assert_eq!(index.find(&wanted([class.clone()])), [1, 3, 5, 9]);
        assert_eq!(index.find(&label("late")), [5, 9]);
        assert_eq!(index.find(&wanted([class, (CKA_LABEL, Value::bytes(b"early"))])), [1, 3]);
        assert_eq!(index.find(&wanted([(CKA_ID, Value::bytes(&[]))])), [1, 3, 5, 9]);
        assert_eq!(index.find(&wanted([(CKA_KEY_TYPE, Value::Ulong(CKK_AES))])), [1, 3, 5, 9]);
        assert!(index.find(&wanted([(CKA_CLASS, Value::Ulong(CKO_DATA))])).is_empty());
        assert!(index.find(&label("never")).is_empty());
        assert!(index.find(&wanted([(CKA_MODULUS, Value::bytes(&[1]))])).is_empty());
    }

    #[test]
    fn what_is_replaced_or_removed_is_not_found_as_it_was() {
        let mut index = Index::default();
        index.insert(1, secret_key("old", true));
        index.insert(2, secret_key("old", true));
        index.insert(1, secret_key("new", true));
        assert_eq!((index.find(&label("old")), index.find(&label("new"))), (vec![2], vec![1]));
        assert!(index.remove(2).is_some());
        assert!(index.remove(2).is_none());
        assert!(index.find(&label("old")).is_empty());
        assert_eq!(index.len(), 1);
        index.remove(1);
        assert!(index.is_empty() && index.by_value.is_empty());
    }

    #[test]
    fn key_material_is_no_search_term_unless_it_may_be_seen() {
        let value = wanted([(CKA_VALUE, Value::bytes(&[9; 16]))]);
        assert!(!matches(&secret_key("sensitive", true), &value));
        assert!(matches(&secret_key("open", false), &value));
        assert!(!matches(
            &secret_key("open", false),
            &wanted([(CKA_VALUE, Value::bytes(&[8; 16]))])
        ));
    }

    #[test]
    fn one_among_many_is_found_without_a_scan() {
        let mut index = Index::default();
        for handle in 0..20_000 {
            index.insert(handle, secret_key(&handle.to_string(), true));
        }
        let wanted = wanted([
            (CKA_CLASS, Value::Ulong(CKO_SECRET_KEY)),
            (CKA_LABEL, Value::bytes(b"12345")),
        ]);
        let start = std::time::Instant::now();
        for _ in 0..1000 {
            assert_eq!(index.find(&wanted), [12345]);
        }
        assert!(start.elapsed().as_millis() < 1000, "{:?} for 1000 searches", start.elapsed());
        for handle in (0..20_000).rev() {
            index.remove(handle);
        }
        assert!(index.is_empty());
    }
}
