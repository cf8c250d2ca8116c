//! `keyferry doctor`: whether this token can wrap for a cloud, and if not, what is in the way.
//!
//! Nothing is believed: throw-away keys are wrapped for a throw-away KEK, and opened in software.
mod key;
mod mechanisms;
mod proof;
mod verdict;

use crate::options::Options;
use crate::output::{Answer, Report, clean, facts, fault, table};
use crate::whom::{Party, party};
use clap::Args;
use key::Examined;
use keyferry::client::{Access, TokenSlot};
use proof::Proofs;
use serde_json::{Value, json};
use verdict::Verdict;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry doctor
  keyferry doctor --module /usr/lib/softhsm/libsofthsm2.so --key signing
  keyferry doctor --key signing --for aws

It makes session keys and a KEK, wraps with each hash, opens the results in software, and leaves no object behind.
Keys that are in the token are looked at, never wrapped.")]
pub struct Doctor {
    /// A key that shall leave: says what is in its way
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,
    /// The cloud that it shall go to: azure, aws, gcp, oci or vault [default: any]
    #[arg(long = "for", value_name = "CLOUD", value_parser = party)]
    party: Option<Party>,
}

impl Doctor {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let (token, session) = options.log_in(Access::ReadOnly)?;
        let key = self.key.as_deref().map(|label| key::examine(&session, label)).transpose()?;
        let mechanisms = mechanisms::all(&session);
        let own = key.as_ref().and_then(|key| key.kind.target());
        let proofs = Proofs::make(&session, own)?;
        let verdicts = verdict::all(&session, &proofs, key.as_ref());
        let possible = self.is_possible(&proofs, key.as_ref(), &verdicts);
        let text = [
            facts(&describe(&token)),
            table(
                &mechanisms::HEADER,
                &mechanisms.iter().map(mechanisms::Row::cells).collect::<Vec<_>>(),
            ),
            proofs.text(),
            key.as_ref().map(Examined::text).unwrap_or_default(),
            table(&verdict::HEADER, &verdicts.iter().map(Verdict::cells).collect::<Vec<_>>()),
        ];
        let text: Vec<String> = text.into_iter().filter(|part| !part.is_empty()).collect();
        let json = json!({
            "token": describe(&token).into_iter().map(|(name, value)| (name.to_lowercase(), value.into())).collect::<serde_json::Map<String, Value>>(),
            "mechanisms": mechanisms.iter().map(mechanisms::Row::json).collect::<Value>(),
            "proof": proofs.json(),
            "key": key.as_ref().map(Examined::json),
            "clouds": verdicts.iter().map(Verdict::json).collect::<Value>(),
            "possible": possible,
        });
        let finding = (!possible).then(|| self.finding(&verdicts));
        Ok(Report { text: text.join("\n"), json, finding })
    }

    /// Whether what was asked for can be done; if no cloud was named, whether any takes it.
    fn is_possible(&self, proofs: &Proofs, key: Option<&Examined>, verdicts: &[Verdict]) -> bool {
        match self.party {
            Some(Party::Cloud(cloud)) => verdicts
                .iter()
                .any(|verdict| verdict.cloud.command == cloud.command && verdict.possible),
            Some(Party::Custom) => proofs.any_opens() && key.is_none_or(Examined::may_leave),
            None => verdicts.iter().any(|verdict| verdict.possible),
        }
    }

    fn finding(&self, verdicts: &[Verdict]) -> crate::output::Fault {
        let what = match &self.key {
            Some(label) => format!("the key \"{}\" cannot be exported", clean(label)),
            None => "this token cannot wrap a key".to_owned(),
        };
        match self.party {
            Some(Party::Cloud(cloud)) => {
                let own = verdicts.iter().find(|verdict| verdict.cloud.command == cloud.command);
                let because = own.map(|verdict| verdict.because.as_str()).unwrap_or_default();
                fault!("{what} for {}: {because}", cloud.name)
            }
            Some(Party::Custom) => fault!("{what}; see in the list above what is in the way"),
            None => fault!(
                "{what} for any cloud: {}",
                verdicts.first().map(|verdict| verdict.because.as_str()).unwrap_or_default()
            ),
        }
    }
}

fn describe(token: &TokenSlot) -> Vec<(&'static str, String)> {
    vec![
        ("Token", token.label.clone()),
        ("Manufacturer", token.manufacturer.clone()),
        ("Model", token.model.clone()),
        ("Firmware", token.firmware.clone()),
    ]
}
