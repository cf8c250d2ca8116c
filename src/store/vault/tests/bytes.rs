//! Any bytes at all in the place of a record.
use super::layout::{ObjectRecord, SlotRecord};
use super::*;

/// A small generator (xorshift64), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    fn mutate(&mut self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        for _ in 0..=self.roll(3) {
            let at = self.roll(body.len().max(1));
            match self.roll(4) {
                0 => body.truncate(at),
                1 => body.insert(at.min(body.len()), u8::try_from(self.roll(256)).unwrap()),
                2 => body.extend_from_slice(&[0xff; 5]),
                _ => body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << self.roll(8)),
            }
        }
        body
    }
}

fn samples() -> (Vault, Unlocked, Vec<(RecordId, Vec<u8>)>) {
    let store = memory();
    let (vault, unlocked) = token(store.clone());
    written(&vault, &unlocked, vec![insert(5, true), insert(6, false)]);
    let (_, records) = store.read(vault.token(), Revision(0)).unwrap();
    let bodies = records.into_iter().map(|record| (record.id, record.body.unwrap())).collect();
    (vault, unlocked, bodies)
}

#[test]
fn records_survive_their_bytes() {
    let (.., bodies) = samples();
    assert_eq!(bodies.len(), 5);
    for (_, body) in bodies {
        let object = ObjectRecord::parse(&body).and_then(|record| record.body());
        let slot = SlotRecord::parse(&body).map(|record| record.body());
        let description = DescriptionRecord::parse(&body).map(|record| record.body());
        let read: Vec<_> = [object, slot, description].into_iter().flatten().collect();
        assert_eq!(read, [body]);
    }
}

#[test]
fn no_mutation_panics_or_passes() {
    let (_, unlocked, bodies) = samples();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for (id, body) in bodies {
        for _ in 0..1_000 {
            let mutant = dice.mutate(&body);
            let _ = (SlotRecord::parse(&mutant), DescriptionRecord::parse(&mutant));
            if mutant == body {
                continue;
            }
            if let Some(sealed) = Sealed::parse(mutant) {
                assert_eq!(unlocked.attributes(id, &sealed).unwrap_err(), Error::DeviceError);
            }
        }
    }
}

#[test]
fn short_records_are_none() {
    for len in 0..64 {
        for byte in [0, 1, 2, 3, 0xff] {
            let body = vec![byte; len];
            assert!(
                ObjectRecord::parse(&body).is_none() && DescriptionRecord::parse(&body).is_none()
            );
        }
        let object = [&[1, 3, 2][..], &vec![0xff; len]].concat();
        assert!(ObjectRecord::parse(&object).is_none());
    }
}

#[test]
fn costs_nobody_would_pay_are_refused() {
    let (_, _, bodies) = samples();
    let (_, body) = bodies.into_iter().find(|(id, _)| *id == Who::User.slot()).unwrap();
    for (at, value) in [(11, u32::MAX), (15, u32::MAX), (19, u32::MAX), (11, 7), (15, 0), (19, 0)] {
        let mut body = body.clone();
        body[at..at + 4].copy_from_slice(&value.to_be_bytes());
        assert!(SlotRecord::parse(&body).is_none());
    }
}
