//! The watch: one issue that says what is wrong with the newest public release, against the counterparts of GitHub and of the
//! advisory service.

mod hostile;
mod whole;

use std::collections::BTreeMap;

use sayna_release::forge::Github;
use sayna_release::http::Client;
use sayna_release::watch::{Action, Components, Error, FailedRow, Finding, Issues, LABEL, Seen, Vex, advisories};
use serde_json::json;

use crate::faults::proxy::Proxy;
use crate::faults::{FAULTS, proxy::Fault};
use crate::github::{Addresses, BOT, Counterpart, HubIssue, reach};

const PURL: &str = "pkg:cargo/ring@0.17.0";
const MARKER: &str = "<!-- sayna-release watch -->";

/// The finding for a release whose SBOM has `ring`, with the advisory service at this address.
fn finding(service: &str) -> Result<Finding, Error> {
    let mut components = Components::default();
    components.add(
        "sayna-1.2.3.cdx.json",
        &json!({"components": [{"purl": format!("{PURL}?checksum=x")}, {"purl": "pkg:cargo/hex@0.4.3"}]}),
    );
    let client = Client::new().unwrap().with_clock(std::sync::Arc::new(crate::github::Hurried::default()));
    let found = advisories::of(&components, &client, service)?;
    Ok(Finding {
        tag: "v1.2.3".to_owned(),
        rows: Vec::new(),
        advisories: found,
        excused: Vec::new(),
        sboms: components.documents,
        components: components.known.len(),
        not_covered: components.not_covered,
    })
}

fn failed(evidence: &str) -> Finding {
    let row = FailedRow { id: "attested", title: "all of it is attested", evidence: evidence.to_owned() };
    let (tag, rows) = ("v1.2.3".to_owned(), vec![row]);
    let (sboms, not_covered) = Default::default();
    Finding { tag, rows, advisories: vec![], excused: vec![], sboms, components: 1, not_covered }
}

fn clean() -> Finding {
    Finding { rows: Vec::new(), ..failed("") }
}

/// One run: the actions, done.
fn run(github: &Github, finding: &Finding) -> Result<Vec<String>, Error> {
    let issues = Issues { github, author: BOT };
    let actions = issues.plan(finding)?;
    actions.iter().try_for_each(|action| issues.act(action))?;
    Ok(actions.iter().map(Action::to_string).collect())
}

fn ours(number: u64, body: &str) -> HubIssue {
    HubIssue {
        number,
        author: BOT.to_owned(),
        title: "t".to_owned(),
        body: format!("{MARKER}\n{body}"),
        labels: vec![LABEL.to_owned(), "help wanted".to_owned()],
        comments: Vec::new(),
        open: true,
        reason: None,
        pull_request: false,
    }
}

#[test]
fn an_issue_is_opened_kept_edited_and_closed_with_a_comment() {
    let hub = Counterpart::start();
    let github = reach(&hub.addresses.api, "push-token");
    assert_eq!(run(&github, &failed("bad")).unwrap(), ["open the issue"]);
    let first = hub.hub().issues[0].clone();
    assert!(first.body.starts_with(MARKER) && first.body.contains("` bad `"), "{first:?}");
    assert_eq!(first.labels, [LABEL]);
    let writes = |hub: &Counterpart| hub.hub().requests.iter().filter(|r| !r.starts_with("GET ")).count();
    let before = writes(&hub);
    assert!(run(&github, &failed("bad")).unwrap().is_empty());
    assert_eq!(writes(&hub), before, "the same finding writes nothing");
    assert_eq!(run(&github, &failed("worse")).unwrap(), [format!("edit issue #{}", first.number)]);
    let closing = run(&github, &clean()).unwrap();
    assert_eq!(closing.len(), 2, "{closing:?}");
    let closed = hub.hub().issues[0].clone();
    assert!(!closed.open && closed.reason.as_deref() == Some("completed"), "{closed:?}");
    assert_eq!(closed.comments.len(), 1);
    assert!(run(&github, &clean()).unwrap().is_empty());
    // What comes back later is a matter of its own.
    assert_eq!(run(&github, &failed("bad")).unwrap(), ["open the issue"]);
    assert_eq!(hub.hub().issues.iter().filter(|issue| issue.open).count(), 1);
}

#[test]
fn issues_of_others_are_left_alone() {
    let hub = Counterpart::start();
    let github = reach(&hub.addresses.api, "push-token");
    let unmarked = HubIssue { body: format!("see {MARKER}"), ..ours(1, "") };
    let unlabelled = HubIssue { labels: vec![], author: "somebody".to_owned(), ..ours(2, "") };
    let pull = HubIssue { pull_request: true, ..ours(3, "") };
    let closed = HubIssue { open: false, ..ours(4, "") };
    let others = vec![unmarked, unlabelled, pull, closed];
    hub.hub().issues = others.clone();
    assert!(run(&github, &clean()).unwrap().is_empty());
    hub.hub().next = 10;
    assert_eq!(run(&github, &failed("bad")).unwrap(), ["open the issue"]);
    assert_eq!(hub.hub().issues[..4], others);
    // One with label and marker that is not the token's: another one would be opened every night.
    hub.hub().issues = vec![HubIssue { author: "a-person".to_owned(), ..ours(5, "") }];
    for finding in [clean(), failed("bad")] {
        let error = run(&github, &finding).unwrap_err();
        assert!(error.to_string().contains("\"a-person\"") && error.hint().unwrap().contains("--author"), "{error}");
    }
    assert_eq!(hub.hub().issues.len(), 1);
}

#[test]
fn of_two_issues_the_older_is_kept_on_any_page() {
    let hub = Counterpart::start();
    let github = reach(&hub.addresses.api, "push-token");
    let many = (1..=230).map(|number| HubIssue { body: "x".to_owned(), ..ours(number, "") });
    hub.hub().issues = many.collect();
    for number in [7, 190] {
        hub.hub().issues[number].body = format!("{MARKER}\nold");
    }
    let done = run(&github, &failed("bad")).unwrap();
    assert_eq!(done, ["edit issue #8", "comment on issue #191", "close issue #191"]);
    let hub = hub.hub();
    let (kept, second) = (&hub.issues[7], &hub.issues[190]);
    assert!(kept.open && kept.labels.len() == 2 && kept.comments.is_empty(), "{kept:?}");
    assert!(!second.open && second.reason.as_deref() == Some("not_planned"), "{second:?}");
    assert_eq!(hub.issues.iter().filter(|issue| !issue.open).count(), 1);
}

#[test]
fn a_token_that_may_not_label_leaves_no_issue_open() {
    let hub = Counterpart::start();
    let github = reach(&hub.addresses.api, "read-token");
    let issues = Issues { github: &github, author: "somebody" };
    for _ in 0..2 {
        let actions = issues.plan(&failed("bad")).unwrap();
        let error = issues.act(&actions[0]).unwrap_err();
        assert!(matches!(error, Error::Opened { .. }), "{error}");
        assert!(hub.hub().issues.iter().all(|issue| !issue.open));
    }
    let error = run(&reach(&hub.addresses.api, ""), &failed("bad")).unwrap_err().to_string();
    assert!(error.contains("GITHUB_TOKEN"), "{error}");
}

#[test]
fn advisories_are_read_over_all_pages_and_only_those_that_count() {
    let hub = Counterpart::start();
    {
        let osv = &mut hub.hub().osv;
        osv.page = Some(1);
        osv.know(
            "RUSTSEC-2026-0001",
            PURL,
            &json!({"summary": "one", "aliases": ["CVE-2026-1", "GHSA-aaaa-bbbb-cccc"]}),
        );
        osv.know("GHSA-aaaa-bbbb-cccc", PURL, &json!({"summary": "one", "aliases": ["CVE-2026-1"]}));
        osv.know("RUSTSEC-2026-0002", PURL, &json!({"withdrawn": "2026-01-02T03:04:05Z"}));
        let notice = json!({"affected": [{"database_specific": {"informational": "unmaintained"}}]});
        osv.know("RUSTSEC-2026-0003", PURL, &notice);
        osv.know("RUSTSEC-2026-0004", "pkg:cargo/hex@0.4.3", &json!({"affected": [{}]}));
    }
    let found = finding(&hub.addresses.outside).unwrap().advisories;
    let ids: Vec<&str> = found.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["RUSTSEC-2026-0001", "RUSTSEC-2026-0004"]);
    assert!(found[0].has_name("GHSA-aaaa-bbbb-cccc") && found[0].has_name("CVE-2026-1"));
    assert_eq!(found[0].components.keys().collect::<Vec<_>>(), [PURL]);
}

#[test]
fn answers_of_another_form_are_no_answers() {
    let hub = Counterpart::start();
    let service = hub.addresses.outside.clone();
    let whole = json!({"results": [{}, {}]});
    let wrong = [
        json!({}),
        json!({"results": []}),
        json!({"results": [{}]}),
        json!({"results": [{}, {}, {}]}),
        json!({"results": [{"vulns": [{"id": "../x"}]}, {}]}),
        json!({"results": [{"vulns": [{"id": "GONE-1"}]}, {}]}),
        json!({"results": [{"next_page_token": "1"}, {"next_page_token": "1"}]}),
        json!({"results": [{"vulns": 7}, {}]}),
    ];
    hub.hub().osv.says = Some(whole);
    assert!(finding(&service).unwrap().is_clean());
    for answer in wrong {
        hub.hub().osv.says = Some(answer.clone());
        let error = finding(&service).unwrap_err();
        assert!(matches!(error, Error::Service { .. } | Error::Advisories(_)), "{answer}: {error}");
    }
    hub.hub().osv.says = None;
    hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({"id": "RUSTSEC-2026-0002"}));
    assert!(finding(&service).unwrap_err().to_string().contains("RUSTSEC-2026-0002"));
    assert!(finding("http://127.0.0.1:1").unwrap_err().hint().unwrap().contains("network"));
}

#[test]
fn after_a_fault_at_every_request_a_rerun_leaves_one_issue() {
    let hub = Counterpart::start();
    let own = hub.addresses.clone();
    let servers = [&own.api, &own.outside].map(|url| url.trim_start_matches("http://"));
    let proxy = Proxy::before(&servers);
    let at = |n: usize| format!("http://{}", proxy.addresses[n]);
    hub.hub().addresses = Addresses { api: at(0), ..own };
    hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({"summary": "one"}));
    let (mut points, nothing) = (0, clean());
    for (closes, fault) in [false, true].into_iter().flat_map(|c| FAULTS.map(|fault| (c, fault))) {
        for request in 0.. {
            hub.hub().issues = if closes { vec![ours(1, "old"), ours(2, "old")] } else { Vec::new() };
            hub.hub().next = 2;
            let once = || {
                let found = finding(&at(1))?;
                run(&reach(&at(0), "push-token"), if closes { &nothing } else { &found })
            };
            proxy.arm(Some((request, fault)));
            let first = once();
            let reached = proxy.fired();
            proxy.arm(None);
            let second = once().unwrap_or_else(|e| panic!("{fault} at {request}: {first:?}, then {e}"));
            // An answer that comes twice opens two; the next run closes the second.
            let third = once().unwrap();
            assert!(third.is_empty(), "{fault} at {request}: {second:?}, then {third:?}");
            let hub = hub.hub();
            let open = hub.issues.iter().filter(|issue| issue.open).count();
            assert_eq!(open, usize::from(!closes), "{fault} at {request}: {:?}", hub.issues);
            let said = hub.issues.iter().map(|issue| issue.comments.len()).max().unwrap();
            let most = if fault == Fault::Twice { 2 } else { 1 };
            assert!(said <= most && hub.issues.len() <= 2, "{fault} at {request}: {:?}", hub.issues);
            drop(hub);
            if !reached {
                break;
            }
            points += 1;
        }
    }
    assert!(points >= 12 * (4 + 9), "{points}");
}

#[test]
fn a_vex_document_excuses_what_it_names_and_nothing_else() {
    let hub = Counterpart::start();
    hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({"aliases": ["CVE-2026-1"]}));
    let found = finding(&hub.addresses.outside).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vex.json");
    let with = |statement: serde_json::Value| {
        let document = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "a",
            "timestamp": "2026-01-02T03:04:05Z", "version": 1, "statements": [statement]});
        std::fs::write(&path, document.to_string()).unwrap();
        Vex::read(&path).unwrap().excuses(&found.advisories[0])
    };
    let one = |name: &str, status: &str, products: serde_json::Value| {
        with(json!({"vulnerability": {"name": name}, "status": status, "products": products}))
    };
    let product = |inner: &str| json!([{"@id": "pkg:github/saynaai/sayna", "subcomponents": [{"@id": inner}]}]);
    // A statement never excuses all of a product, and none without a component that it names.
    for products in [json!([{"@id": "pkg:github/saynaai/sayna"}]), json!([{"identifiers": {"purl": PURL}}]), json!([])]
    {
        assert!(!one("RUSTSEC-2026-0001", "not_affected", products.clone()), "{products}");
    }
    assert!(one("RUSTSEC-2026-0001", "not_affected", product(PURL)));
    assert!(one("CVE-2026-1", "not_affected", product(PURL)));
    assert!(one("CVE-2026-1", "not_affected", product("pkg:cargo/ring")));
    assert!(!one("CVE-2026-1", "not_affected", product("pkg:cargo/ring@0.16.0")));
    assert!(!one("CVE-2026-1", "not_affected", product("pkg:cargo/rin")));
    for status in ["affected", "under_investigation", "fixed", "Not_Affected"] {
        assert!(!one("CVE-2026-1", status, product(PURL)), "{status}");
    }
    assert!(!one("CVE-2026-10", "not_affected", product(PURL)));
    for wrong in ["", "{}", "[]", "{\"@context\": \"https://example.org\", \"statements\": []}", "{\"statements\": 7}"]
    {
        std::fs::write(&path, wrong).unwrap();
        assert!(matches!(Vex::read(&path), Err(Error::Vex { .. })), "{wrong}");
    }
}

#[test]
fn the_difference_reaches_one_issue_from_any_state() {
    use proptest::prelude::*;
    let state = prop::collection::vec((0_u64..6, "[ab]", any::<bool>()), 0..5);
    let mut runner = proptest::test_runner::TestRunner::default();
    let property = |(found, state): (bool, Vec<(u64, String, bool)>)| {
        let wanted = found.then(|| sayna_release::watch::Wanted { title: "t".to_owned(), body: "a".to_owned() });
        let of = |(number, (body, said)): (u64, (String, bool))| {
            let (author, title, labels) = (BOT.to_owned(), "t".to_owned(), vec![LABEL.to_owned()]);
            let issue = sayna_release::forge::github::Issue { number, author, title, body, labels };
            Seen { issue, comments: said.then(|| "fine".to_owned()).into_iter().collect() }
        };
        let unique: BTreeMap<u64, (String, bool)> = state.into_iter().map(|(n, b, s)| (n, (b, s))).collect();
        let mut seen: Vec<Seen> = unique.into_iter().map(of).collect();
        let oldest = seen.first().map(|s| s.issue.number);
        for action in sayna_release::watch::diff(wanted.as_ref(), &seen, "fine") {
            match action {
                Action::Open(wanted) => seen.push(of((9, (wanted.body, false)))),
                Action::Edit { number, wanted } => seen
                    .iter_mut()
                    .filter(|s| s.issue.number == number)
                    .for_each(|s| s.issue.body.clone_from(&wanted.body)),
                Action::Comment { number, body } => {
                    seen.iter_mut().filter(|s| s.issue.number == number).for_each(|s| s.comments.push(body.clone()));
                }
                Action::Close { number, .. } => seen.retain(|s| s.issue.number != number),
            }
        }
        prop_assert_eq!(seen.len(), usize::from(found));
        prop_assert!(seen.iter().all(|s| s.issue.body == "a" && oldest.is_none_or(|n| n == s.issue.number)));
        prop_assert!(sayna_release::watch::diff(wanted.as_ref(), &seen, "fine").is_empty());
        Ok(())
    };
    runner.run(&(any::<bool>(), state), property).unwrap();
}
