//! `keyferry kek`: what is kept of a KEK, and what is said of what is not.
use crate::{KID, Place, jwk, with_token};
use keyferry::byok::kek::Kek;

/// With a JWK that another system has named.
fn with_named() -> Place {
    let place = with_token();
    let kek = Kek::parse(&std::fs::read(place.path("KEK-real.pem")).unwrap()).unwrap();
    std::fs::write(place.path("named.jwk"), jwk(&kek, ",\"kid\":\"kek-1\"")).unwrap();
    place
}

#[test]
fn a_name_that_is_not_kept_is_told() {
    let place = with_named();
    let shown = place.good("kek import {dir}/named.jwk --label named");
    let said = "kid in the file  \"kek-1\" is not kept, since it is no key identifier of Azure's; if the KEK is \
                Azure's, import it with --kid\n";
    assert!(shown.contains(said), "{shown}");
    let shown = place.good("kek import {dir}/named.jwk --label both --kid {kid}");
    assert!(
        shown.contains("\"kek-1\" is not kept") && shown.contains("the one given is\n"),
        "{shown}"
    );
    assert!(!place.good("kek import {dir}/real.jwk --label real").contains("in the file"));
    for (line, kid, kept, named) in [
        ("{dir}/named.jwk --label a", None, false, Some("kek-1")),
        ("{dir}/named.jwk --label b --kid {kid}", Some(KID), true, Some("kek-1")),
        ("{dir}/real.jwk --label c", Some(KID), true, Some(KID)),
        ("{dir}/KEK-real.pem --label d", None, false, None),
    ] {
        let answer = place.json(&format!("kek import {line}"));
        assert_eq!(answer["kid"].as_str(), kid, "{line}");
        assert_eq!(answer["kid_kept"], kept, "{line}");
        assert_eq!(answer["kid_in_file"].as_str(), named, "{line}");
    }
}
