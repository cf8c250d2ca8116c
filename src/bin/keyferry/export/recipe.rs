//! What one cloud's export does differently, for one key and for many.
use super::which::Item;
use crate::kind::Kind;
use crate::output::Fault;
use keyferry::byok::cloud::Cloud;
use keyferry::client::Profile;

/// A cloud, or whoever else opens the wrap.
pub trait Recipe: Sync {
    /// Whom it is for; nobody in particular if the parameters were given.
    fn cloud(&self) -> Option<&'static Cloud>;

    /// What files are made for, beyond the KEK: two files of a key under a KEK may differ in it.
    fn purpose(&self) -> String;

    /// What is to be made of a key; refuses what the cloud would refuse.
    fn terms(&self, item: &Item, kind: &Kind) -> Result<Terms, Fault>;

    /// The file that holds this blob.
    fn file(&self, blob: &[u8]) -> Vec<u8>;
}

/// What is to be made of one key.
pub struct Terms {
    /// How it is wrapped.
    pub profile: Profile,
    /// What the next command is filled with, beyond the file and the name.
    pub values: Vec<(&'static str, String)>,
    /// Rows and members of the report that only this cloud has.
    pub own: Vec<Own>,
}

/// A row's name, a member's name, and the value of both.
pub type Own = (&'static str, &'static str, String);
