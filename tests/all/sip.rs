//! Telephone calls over REST: hooks, outgoing calls and transfers.

use serde_json::{Value, json};

use crate::livekit::SECRETS;
use crate::rooms::ask;
use crate::support::livekit::{KEYS, Livekit};
use crate::support::{Server, World};

const SIP: [(&str, &str); 3] =
    [("SIP_ROOM_PREFIX", "call-"), ("SIP_HOOK_SECRET", "what-hooks-know-of"), ("CACHE_PATH", "cache")];
const FIXED: &str = r#"[{"host":"Fixed.Example","url":"https://app.example/fixed","auth_id":"first"}]"#;

fn hook(host: &str, path: &str) -> Value {
    json!({"host": host, "url": format!("https://app.example/{path}"), "auth_id": "first"})
}

fn hooks(server: &Server) -> Value {
    serde_json::from_str::<Value>(&server.ask("GET", "/sip/hooks").1).unwrap()["hooks"].clone()
}

fn change(server: &Server, method: &str, body: &Value) -> (u16, Value) {
    let answer = ask(server, "", method, "/sip/hooks", body);
    (answer.status(), answer.json())
}

#[test]
fn sip_hooks_are_added_replaced_removed_and_stored() {
    let world = World::new();
    let variables = [SIP[0], SIP[1], SIP[2], ("SIP_HOOKS_JSON", FIXED)];
    let server = world.serve(&variables);
    let fixed = hook("Fixed.Example", "fixed");
    assert_eq!(hooks(&server), json!([fixed]));
    let (status, list) = change(&server, "POST", &json!({"hooks": [hook("b.example", "1"), hook("A.example", "2")]}));
    assert_eq!((status, list), (200, json!({"hooks": [fixed, hook("A.example", "2"), hook("b.example", "1")]})));
    let (_, list) = change(&server, "POST", &json!({"hooks": [hook("B.EXAMPLE", "3")]}));
    assert_eq!(list, json!({"hooks": [fixed, hook("A.example", "2"), hook("B.EXAMPLE", "3")]}));
    drop(server);
    let server = world.serve(&variables);
    assert_eq!(json!({"hooks": hooks(&server)}), list);
    let (status, left) = change(&server, "DELETE", &json!({"hosts": ["a.EXAMPLE", "nowhere.example"]}));
    assert_eq!((status, left), (200, json!({"hooks": [fixed, hook("B.EXAMPLE", "3")]})));
    // A host that the configuration names later is the configuration's.
    drop(server);
    let later = r#"[{"host":"b.example","url":"https://app.example/later","auth_id":"first"}]"#;
    let server = world.serve(&[SIP[0], SIP[1], SIP[2], ("SIP_HOOKS_JSON", later)]);
    assert_eq!(hooks(&server), json!([hook("b.example", "later")]));
    let left: Vec<_> =
        std::fs::read_dir(world.path("cache")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["sip_hooks.json"]);
}

#[test]
fn invalid_sip_hooks_are_rejected_without_a_change() {
    let world = World::new();
    let server = world.serve(&[SIP[0], SIP[1], SIP[2], ("SIP_HOOKS_JSON", FIXED)]);
    let no_host =
        r#"Invalid request: the host "a.example:5060" must be a name or an IP address, without scheme and port"#;
    let fixed = "Host(s) fixed.EXAMPLE are hardcoded in the application config and cannot be changed.";
    for (method, body, status, error) in [
        ("POST", json!({"hooks": [hook("a", "1"), hook("A", "2")]}), 400, "Duplicate host in request: A"),
        ("POST", json!({"hooks": [hook(" ", "1")]}), 400, "Invalid request: host cannot be empty"),
        ("POST", json!({"hooks": [hook("a.example:5060", "1")]}), 400, no_host),
        (
            "POST",
            json!({"hooks": [hook("a.example.", "1"), hook("A.Example", "1")]}),
            400,
            "Duplicate host in request: A.Example",
        ),
        (
            "POST",
            json!({"hooks": [{"host": "a", "url": "ftp://b", "auth_id": ""}]}),
            400,
            "Invalid url of host a: use an http or https URL",
        ),
        ("POST", json!({"hooks": [hook("a", "1"), hook("fixed.EXAMPLE", "2")]}), 405, fixed),
        ("DELETE", json!({"hosts": ["a", "fixed.EXAMPLE"]}), 405, fixed),
        ("DELETE", json!({"hosts": []}), 400, "Invalid request: hosts cannot be empty"),
    ] {
        assert_eq!(change(&server, method, &body), (status, json!({"error": error})), "{body}");
    }
    let many: Vec<_> = (0..12_000).map(|n| hook(&format!("{n}.example"), "a-path-that-is-not-short")).collect();
    let halves = many.chunks(6_000).map(|half| change(&server, "POST", &json!({"hooks": half})).0);
    assert_eq!(halves.collect::<Vec<_>>(), [200, 400]);
    assert_eq!(hooks(&server).as_array().unwrap().len(), 6_001);
    // Without a folder they could not be stored, and without a secret receivers could not check the sender.
    let one = json!({"hooks": [hook("a", "1")]});
    let (status, said) = change(&World::new().serve(&[SIP[0], SIP[1]]), "POST", &one);
    assert_eq!((status, said), (500, json!({"error": "SIP hooks cannot be changed: cache.path is not set"})));
    let (status, said) = change(&World::new().serve(&[SIP[2]]), "POST", &one);
    assert_eq!((status, said), (500, json!({"error": "SIP hooks cannot be added: sip.hook_secret is not set"})));
    let secret =
        World::new().serve(&[SIP[0], SIP[1], SIP[2], ("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)]);
    let nobodys = json!({"hooks": [{"host": "a", "url": "https://b", "auth_id": " "}]});
    let answer = ask(&secret, "s1", "POST", "/sip/hooks", &nobodys);
    let error = "auth_id of host a cannot be empty when authentication is required";
    assert_eq!((answer.status(), answer.json()), (400, json!({"error": error})));
}

/// Each tenant has its own, those of the configuration included.
#[test]
fn sip_hook_belongs_to_the_tenant_that_added_it() {
    let world = World::new();
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)];
    let server = world.serve(&[SIP[0], SIP[1], SIP[2], ("SIP_HOOKS_JSON", FIXED), auth[0], auth[1]]);
    let change = |secret: &str, method: &str, body: &Value| {
        let answer = ask(&server, secret, method, "/sip/hooks", body);
        (answer.status(), answer.json())
    };
    let own = |host: &str, path: &str, tenant: &str| {
        let mut hook = hook(host, path);
        hook["auth_id"] = json!(tenant);
        hook
    };
    let (fixed, first) = (hook("Fixed.Example", "fixed"), hook("a.example", "?token=t1"));
    let second = own("b.example", "?token=t2", "second");
    assert_eq!(change("s1", "POST", &json!({"hooks": [first]})), (200, json!({"hooks": [fixed, first]})));
    assert_eq!(change("s2", "POST", &json!({"hooks": [second]})), (200, json!({"hooks": [second]})));
    assert_eq!(change("s2", "GET", &json!({})), (200, json!({"hooks": [second]})));
    for (hooks, error) in [
        (json!([own("A.EXAMPLE", "x", "second")]), "Access denied: host(s) A.EXAMPLE belong to a different tenant"),
        (json!([own("a.example.", "x", "second")]), "Access denied: host(s) a.example. belong to a different tenant"),
        (json!([own("ａ.example", "x", "second")]), "Access denied: host(s) ａ.example belong to a different tenant"),
        (
            json!([own("c.example", "x", "second"), own("fixed.example", "x", "second")]),
            "Access denied: host(s) fixed.example belong to a different tenant",
        ),
        (json!([own("c.example", "x", "first")]), "Access denied: auth_id of host c.example must be the caller's own"),
    ] {
        assert_eq!(change("s2", "POST", &json!({"hooks": hooks})), (403, json!({"error": error})));
    }
    // Hooks of another tenant stay, and the answer does not show them.
    let hosts = json!({"hosts": ["a.example", "fixed.example", "nowhere.example"]});
    assert_eq!(change("s2", "DELETE", &hosts), (200, json!({"hooks": [second]})));
    assert_eq!(change("s1", "GET", &json!({})), (200, json!({"hooks": [fixed, first]})));
    assert_eq!(change("s2", "DELETE", &json!({"hosts": ["B.example"]})), (200, json!({"hooks": []})));
    assert_eq!(change("s1", "DELETE", &json!({"hosts": ["a.example"]})), (200, json!({"hooks": [fixed]})));
}

#[test]
fn private_hook_address_needs_sip_private_hooks() {
    let addresses = [
        "http://169.254.169.254/latest",
        "http://127.0.0.1:8080/x",
        "http://127.1/",
        "http://2130706433/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://localhost:9090/metrics",
    ];
    let hooks = |url: &str| json!({"hooks": [{"host": "a.example", "url": url, "auth_id": ""}]});
    let (closed, open) = (World::new(), World::new());
    let closed = closed.serve(&SIP);
    let open = open.serve(&[SIP[0], SIP[1], SIP[2], ("SAYNA_SIP_PRIVATE_HOOKS", "true")]);
    let error =
        "Invalid url of host a.example: private addresses are refused, unless the operator sets sip.private_hooks";
    for url in addresses {
        assert_eq!(change(&closed, "POST", &hooks(url)), (400, json!({"error": error})), "{url}");
        assert_eq!(change(&open, "POST", &hooks(url)).0, 200, "{url}");
    }
    assert_eq!(change(&closed, "POST", &hooks("http://1.1.1.1/")).0, 200);
}

#[test]
fn unreadable_file_of_sip_hooks_stops_the_start() {
    let world = World::new();
    std::fs::create_dir(world.path("cache")).unwrap();
    for text in ["", "{\"hooks\":", "[]", "{\"hooks\":[{\"host\":\"a\",\"url\":\"b\",\"auth_id\":\"\"}]}"] {
        std::fs::write(world.path("cache/sip_hooks.json"), text).unwrap();
        let ended = world.run_with(&[], &[("CACHE_PATH", "cache"), ("HOST", "127.0.0.1"), ("PORT", "0")]);
        assert_eq!(ended.status, Some(2), "{text}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("cache/sip_hooks.json: ") && ended.stderr.contains("or remove it"),
            "{}",
            ended.stderr
        );
        assert_eq!(std::fs::read_to_string(world.path("cache/sip_hooks.json")).unwrap(), text);
    }
}

/// A room of one tenant with a caller by telephone and a listener, and one of another.
async fn telephone() -> (Livekit, Server) {
    let livekit = Livekit::default()
        .with_room("den", r#"{"auth_id":"first"}"#)
        .with_room("other", r#"{"auth_id":"second"}"#)
        .with_participant("den", "ann", "SIP", &json!({"sip.callID": "SC_1"}))
        .with_participant("den", "bob", "STANDARD", &json!({}));
    let url = livekit.start().await;
    let server = World::new().serve(&[
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &url),
        ("AUTH_REQUIRED", "true"),
        ("AUTH_API_SECRETS_JSON", SECRETS),
        SIP[0],
        ("SIP_OUTBOUND_ADDRESS", "sip.example:5060"),
        ("SIP_OUTBOUND_AUTH_USERNAME", "us"),
        ("SIP_OUTBOUND_AUTH_PASSWORD", "our-password"),
    ]);
    (livekit, server)
}

fn transfer(room: &str, identity: &str, number: &str) -> Value {
    json!({"room_name": room, "participant_identity": identity, "transfer_to": number})
}

#[tokio::test(flavor = "multi_thread")]
async fn sip_call_is_transferred() {
    let (livekit, server) = telephone().await;
    let answer = ask(&server, "s1", "POST", "/sip/transfer", &transfer("den", "ann", " +15551234567"));
    let mut expected = transfer("den", "ann", "tel:+15551234567");
    assert_eq!(livekit.said("TransferSIPParticipant"), expected);
    expected["status"] = json!("completed");
    assert_eq!((answer.status(), answer.json()), (200, expected.clone()));
    // LiveKit waits no longer, and the other side still rings.
    let answer = ask(&server, "s1", "POST", "/sip/transfer", &transfer("den", "ann", "1"));
    assert_eq!((answer.status(), answer.json()["status"].clone()), (200, json!("initiated")));
    for (room, identity, number, status, code, error) in [
        ("other", "ann", "1", 404, "ROOM_ACCESS_DENIED", "Room 'other' not found"),
        ("nowhere", "ann", "1", 404, "ROOM_ACCESS_DENIED", "Room 'nowhere' not found"),
        ("den", "eve", "1", 404, "PARTICIPANT_NOT_FOUND", "Participant 'eve' not found or is not a SIP participant"),
        ("den", "bob", "1", 404, "PARTICIPANT_NOT_FOUND", "Participant 'bob' not found or is not a SIP participant"),
        (" ", "ann", "1", 400, "INVALID_PHONE_NUMBER", "Invalid request: room_name cannot be empty"),
        ("den", "ann", "555 1", 400, "INVALID_PHONE_NUMBER", "Invalid phone number in transfer_to"),
        (
            "den",
            "ann",
            "2",
            500,
            "TRANSFER_FAILED",
            "Failed to transfer call: LiveKit answered unavailable: twirp error unknown: busy",
        ),
    ] {
        let answer = ask(&server, "s1", "POST", "/sip/transfer", &transfer(room, identity, number));
        let expected = json!({"error": error, "code": code});
        assert_eq!((answer.status(), answer.json()), (status, expected), "{room} {identity} {number}");
    }
}

fn call(room: &str) -> Value {
    json!({
        "room_name": room, "participant_name": "Ann", "participant_identity": "ann-1",
        "from_phone_number": "+15550000001", "to_phone_number": "+15550000002",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn outgoing_call_joins_the_tenants_room() {
    let (livekit, server) = telephone().await;
    let answer = ask(&server, "s1", "POST", "/sip/call", &call("new"));
    let expected = json!({
        "status": "initiated", "room_name": "new", "participant_identity": "ann-1", "participant_id": "PA_call",
        "sip_call_id": "SC_call",
    });
    assert_eq!((answer.status(), answer.json()), (200, expected));
    let said = |trunk: [&str; 3]| {
        json!({
            "room_name": "new", "participant_identity": "ann-1", "participant_name": "Ann", "sip_number": "+15550000001",
            "sip_call_to": "+15550000002",
            "trunk": {"hostname": trunk[0], "auth_username": trunk[1], "auth_password": trunk[2]},
        })
    };
    assert_eq!(livekit.said("CreateSIPParticipant"), said(["sip.example:5060", "us", "our-password"]));
    assert_eq!(livekit.metadata("new"), json!({"auth_id": "first"}));
    // What the request has of its own; the server's password never goes to an address that a client names.
    for (sip, trunk) in [
        (json!({"outbound_address": "own.example"}), ["own.example", "", ""]),
        (
            json!({"outbound_address": "own.example", "auth_username": "me", "auth_password": "my"}),
            ["own.example", "me", "my"],
        ),
        (json!({"auth_username": "me", "auth_password": "my"}), ["sip.example:5060", "me", "my"]),
        (json!({"outbound_address": null}), ["sip.example:5060", "us", "our-password"]),
    ] {
        let mut body = call("new");
        body["sip"] = sip;
        assert_eq!(ask(&server, "s1", "POST", "/sip/call", &body).status(), 200);
        assert_eq!(livekit.said("CreateSIPParticipant"), said(trunk));
    }
    let answer = ask(&server, "s1", "POST", "/sip/call", &call("other"));
    let masked = json!({"error": "Room 'other' not found", "code": "ROOM_ACCESS_DENIED"});
    assert_eq!((answer.status(), answer.json()), (404, masked));
    let invalid = [
        ("participant_name", "", "Invalid request: participant_name cannot be empty"),
        ("from_phone_number", "", "Invalid phone number in from_phone_number"),
        ("to_phone_number", "sip:a@b", "Invalid phone number in to_phone_number"),
    ];
    for (field, value, error) in invalid {
        let mut body = call("new");
        body[field] = json!(value);
        let answer = ask(&server, "s1", "POST", "/sip/call", &body);
        assert_eq!((answer.status(), answer.json()), (400, json!({"error": error, "code": "INVALID_PHONE_NUMBER"})));
    }
    let mut busy = call("new");
    busy["to_phone_number"] = json!("2");
    let answer = ask(&server, "s1", "POST", "/sip/call", &busy);
    let failed = json!({"error": "Failed to call: LiveKit answered unavailable: twirp error unknown: busy", "code": "CALL_FAILED"});
    assert_eq!((answer.status(), answer.json()), (500, failed));
}

#[test]
fn outgoing_call_needs_an_outbound_address() {
    let server = World::new().serve(&KEYS);
    let answer = server.post("/sip/call", &call("den"));
    let expected = json!({"error": "Outbound address not configured", "code": "OUTBOUND_ADDRESS_NOT_CONFIGURED"});
    assert_eq!((answer.status(), answer.json()), (500, expected));
}
