//! Channels against programs and servers that take, refuse, hang and cut.

use std::time::{Duration, Instant};

use super::*;
use crate::model::ids::Id;
use crate::model::problem::{Entry, Level, Phase};

fn letter() -> Letter {
    let began_at = "2026-11-07T05:15:00Z".parse().unwrap();
    let entry = Entry {
        problem: Id::new(1_795_300_000_000, 7),
        phase: Phase::Begun,
        reminders: 0,
        kind: "feed-failed".into(),
        about: "erp/stock".into(),
        part: String::new(),
        level: Level::Error,
        count: 1,
        times: 1,
        began_at,
        over_at: None,
        words: "Kühlhaus: it failed".into(),
        advice: "Mend it.".into(),
    };
    Letter::new("Nordkap", "board", chrono_tz::UTC, began_at, vec![entry])
}

fn run(script: &str, deadline: Duration) -> Result<(), String> {
    let words = ["/bin/sh", "-c", script].map(str::to_string);
    command::send(&letter(), &words, deadline).map_err(|error| error.to_string())
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_command_takes_the_letter_as_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    assert_eq!(run(&format!("cat > {}", file.display()), LONG), Ok(()));
    assert_eq!(std::fs::read_to_string(file).unwrap(), letter().lines());
}

#[test]
fn a_command_that_reads_nothing_may_take_it_all_the_same() {
    assert_eq!(run("exit 0", LONG), Ok(()));
}

#[test]
fn what_it_says_and_how_it_ends_is_told() {
    let refused = run("echo no board >&2; exit 3", LONG).unwrap_err();
    assert_eq!(refused, "/bin/sh ended with exit code 3; it said: no board");
    assert!(run("kill -9 $$", LONG).unwrap_err().contains("signal 9"));
    let words = ["/no/such/program".to_string()];
    let error = command::send(&letter(), &words, LONG).unwrap_err().to_string();
    assert!(error.contains("/no/such/program") && error.contains("cannot be started"), "{error}");
}

#[test]
fn a_command_that_hangs_is_ended_with_all_it_started() {
    let begun = Instant::now();
    let error = run("sleep 60 & sleep 60", Duration::from_millis(300)).unwrap_err();
    assert!(error.contains("did not end within"), "{error}");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

/// A process that leaves its group keeps both pipes open; nobody waits for it.
#[test]
fn a_command_that_leaves_a_daemon_behind_does_not_keep_us() {
    let begun = Instant::now();
    let (folder, left) = (tempfile::tempdir().unwrap(), "setsid sleep 60 0<&3 &");
    let pid = folder.path().join("pid");
    let script = |end: &str| format!("exec 3<&0; {left} echo $! > {}; echo left it >&2; {end}", pid.display());
    let stop = || {
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    };
    assert_eq!(run(&script("exit 0"), LONG), Ok(()));
    stop();
    let error = run(&script("exit 4"), LONG).unwrap_err();
    stop();
    assert_eq!(error, "/bin/sh ended with exit code 4; it said: left it");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

#[test]
fn one_that_never_stops_talking_does_not_keep_us() {
    let begun = Instant::now();
    assert!(run("yes >&2", Duration::from_millis(300)).is_err());
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

/// A server of one conversation: answers each line that it hears with what the script says, and keeps what it heard. An
/// answer of nothing hangs up, `…` says nothing more.
fn server(script: &'static [(&'static str, &'static str)]) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut answers = stream.try_clone().unwrap();
        let mut heard = Vec::new();
        let mut lines = BufReader::new(stream).lines();
        let mut script = script.iter();
        // What is said before anything is heard.
        let mut next = script.next();
        if let Some(("", greeting)) = next {
            answers.write_all(greeting.as_bytes()).unwrap();
            next = script.next();
        }
        while let Some((wanted, answer)) = next {
            let Some(Ok(line)) = lines.next() else { break };
            let is_it = line.starts_with(wanted);
            heard.push(line);
            if is_it {
                match *answer {
                    "" => break,
                    "…" => _ = lines.next(),
                    answer => answers.write_all(answer.as_bytes()).unwrap(),
                }
                next = script.next();
            }
        }
        heard
    });
    (port, talk)
}

fn post() -> Post {
    let secret = |place: &SecretRef| match place {
        SecretRef::Env(name) if name == "KNOWN" => Ok(Secret::new("hunter2".to_string())),
        other => Err(format!("{other}: there is no such secret")),
    };
    Post { secret: Box::new(secret), tls: Err("not in this test".to_string()) }
}

fn hook(port: u16) -> crate::model::problem::Webhook {
    use crate::model::problem::{HeaderValue, Webhook};
    let known = HeaderValue::Secret(SecretRef::Env("KNOWN".into()));
    let headers = vec![("Authorization".to_string(), known), ("X-Site".into(), HeaderValue::Plain("hh".into()))];
    Webhook { tls: false, host: "127.0.0.1".into(), port, path: "/in?x=1".into(), headers }
}

fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[test]
fn a_webhook_takes_one_post_under_the_letters_own_key() {
    let (port, talk) = server(&[("{", "HTTP/1.1 204 No Content\r\n\r\n")]);
    assert_eq!(webhook::send(&letter(), &hook(port), &post(), soon(20)), Ok(()));
    let heard = talk.join().unwrap();
    assert_eq!(heard[0], "POST /in?x=1 HTTP/1.1");
    for header in ["Authorization: hunter2", "X-Site: hh", "Content-Type: application/json"] {
        assert!(heard.contains(&header.to_string()), "{heard:?}");
    }
    assert!(heard.contains(&format!("Idempotency-Key: {}", letter().id)));
    let body: serde_json::Value = serde_json::from_str(heard.last().unwrap()).unwrap();
    assert_eq!(body, letter().json());
    let length = format!("Content-Length: {}", heard.last().unwrap().len() + 1);
    assert!(heard.contains(&length), "{length}: {heard:?}");
}

#[test]
fn a_webhook_that_says_something_before_its_answer_is_heard_out() {
    let (port, talk) = server(&[(
        "{",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    )]);
    assert_eq!(webhook::send(&letter(), &hook(port), &post(), soon(20)), Ok(()));
    drop(talk);
    let (port, talk) = server(&[("{", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 500 no\r\n\r\n")]);
    let error = webhook::send(&letter(), &hook(port), &post(), soon(20)).unwrap_err().to_string();
    assert_eq!(error, format!("127.0.0.1:{port}, POST: HTTP/1.1 500 no"));
    drop(talk);
}

#[test]
fn a_webhook_that_refuses_echoes_hangs_or_cuts_is_told_without_the_secret() {
    let (port, talk) = server(&[("{", "HTTP/1.1 401 hunter2 is wrong\r\n\r\n")]);
    let error = webhook::send(&letter(), &hook(port), &post(), soon(20)).unwrap_err().to_string();
    assert_eq!(error, format!("127.0.0.1:{port}, POST: HTTP/1.1 401 *** is wrong"));
    drop(talk);
    let (port, talk) = server(&[("{", "…")]);
    let begun = Instant::now();
    let error = webhook::send(&letter(), &hook(port), &post(), soon(1)).unwrap_err().to_string();
    assert!(error.contains("no answer in time") && begun.elapsed() < LONG, "{error}");
    drop(talk);
    let (port, talk) = server(&[("{", "")]);
    let error = webhook::send(&letter(), &hook(port), &post(), soon(20)).unwrap_err().to_string();
    assert!(error.contains("POST: "), "{error}");
    drop(talk);
    let unknown = crate::model::problem::HeaderValue::Secret(SecretRef::Env("OTHER".into()));
    let lacking = crate::model::problem::Webhook { headers: vec![("A".into(), unknown)], ..hook(1) };
    let error = webhook::send(&letter(), &lacking, &post(), soon(20)).unwrap_err().to_string();
    assert_eq!(error, "env:OTHER: there is no such secret");
}

fn mail(port: u16, login: bool, to: &[&str]) -> crate::model::problem::Mail {
    use crate::model::problem::{Mail, MailServer, MailTls};
    let login = login.then(|| ("nattpost".to_string(), SecretRef::Env("KNOWN".into())));
    let from = "nattpost@nordkap.example".to_string();
    let server = MailServer { host: "127.0.0.1".into(), port, tls: MailTls::IfOffered, from, login };
    Mail { to: to.iter().map(ToString::to_string).collect(), server }
}

const OPS: &str = "ops@nordkap.example";

#[test]
fn a_mail_is_one_conversation_and_its_end_is_what_takes_it() {
    let (port, talk) = server(&[
        ("", "220-hello\r\n220 mail\r\n"),
        ("EHLO nordkap.example", "250-mail\r\n250-AUTH LOGIN PLAIN\r\n250 8BITMIME\r\n"),
        ("AUTH PLAIN AG5hdHRwb3N0AGh1bnRlcjI=", "235 in\r\n"),
        ("MAIL FROM:<nattpost@nordkap.example>", "250 ok\r\n"),
        ("RCPT TO:<gone@nordkap.example>", "550 no such user\r\n"),
        ("RCPT TO:<full@nordkap.example>", "452 the box is full\r\n"),
        ("RCPT TO:<ops@nordkap.example>", "251 not here, sent on\r\n"),
        ("DATA", "354 go\r\n"),
        (".", "250 taken\r\n"),
        ("QUIT", "221 bye\r\n"),
    ]);
    let to = ["gone@nordkap.example", "full@nordkap.example", OPS];
    let sent = mail::send(&letter(), &mail(port, true, &to), &post(), soon(20));
    let remark = format!(
        "127.0.0.1:{port}, RCPT TO gone@nordkap.example: 550 no such user; 127.0.0.1:{port}, RCPT TO full@nordkap.example: 452 the box is full"
    );
    let taken = Taken { remark: Some(remark), later: vec!["full@nordkap.example".to_string()] };
    assert_eq!(sent, Ok(taken), "one address that is gone keeps nobody else from hearing of it");
    let heard = talk.join().unwrap();
    let message_id = format!("Message-ID: <{}@nordkap.example>", letter().id);
    assert!(heard.contains(&message_id), "{heard:?}");
}

#[test]
fn a_way_is_tried_without_telling_anybody() {
    let (port, talk) = server(&[
        ("", "220 mail\r\n"),
        ("EHLO", "250-mail\r\n250 AUTH PLAIN\r\n"),
        ("AUTH", "235 in\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "250 ok\r\n"),
        ("RSET", "250 forgotten\r\n"),
        ("QUIT", "221 bye\r\n"),
    ]);
    let words = probe(&Way::Mail(mail(port, true, &[OPS])), &post()).unwrap();
    assert_eq!(words, format!("127.0.0.1:{port} would take a letter to {OPS} in the open; none was sent"));
    assert!(talk.join().unwrap().iter().all(|line| !line.starts_with("DATA")));

    let (port, talk) = server(&[
        ("", "220 mail\r\n"),
        ("EHLO", "250 mail\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "550 no such user\r\n"),
        ("RCPT", "250 ok\r\n"),
        ("RSET", "250 forgotten\r\n"),
    ]);
    let error = probe(&Way::Mail(mail(port, false, &["gone@nordkap.example", OPS])), &post()).unwrap_err();
    assert_eq!(error.0, format!("127.0.0.1:{port}, RCPT TO gone@nordkap.example: 550 no such user"));
    drop(talk);

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let words = probe(&Way::Webhook(hook(port)), &post()).unwrap();
    assert!(words.contains("answers") && words.contains("nothing was posted"), "{words}");
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut listener.accept().unwrap().0, &mut heard).unwrap();
    assert!(heard.is_empty());

    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let program = folder.path().join("board");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    let way = |path: &std::path::Path| Way::Command(vec![path.display().to_string()]);
    let refused = probe(&way(&program), &post()).unwrap_err().0;
    assert!(refused.contains("may not start it") && refused.contains("chmod +x"), "{refused}");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(probe(&way(&program), &post()).unwrap().ends_with("is there and can be started"));
    assert!(!ran.exists());
    assert!(probe(&way(folder.path()), &post()).unwrap_err().0.contains("it is no file"));
    assert!(probe(&way(&folder.path().join("gone")), &post()).unwrap_err().0.contains("it cannot be started"));
}

#[test]
fn a_mail_server_that_refuses_hangs_or_cuts_has_not_taken_it() {
    const HELLO: (&str, &str) = ("EHLO", "250 mail\r\n");
    let tries: [(&'static [(&str, &str)], &str); 5] = [
        (&[("", "554 no\r\n")], "the greeting: 554 no"),
        (
            &[("", "220 mail\r\n"), HELLO, ("MAIL", "250 ok\r\n"), ("RCPT", "550 unknown\r\n")],
            "RCPT TO ops@nordkap.example: 550",
        ),
        (&[("", "220 mail\r\n"), HELLO, ("MAIL", "421 later\r\n")], "MAIL FROM: 421 later"),
        (
            &[
                ("", "220 mail\r\n"),
                HELLO,
                ("MAIL", "250 ok\r\n"),
                ("RCPT", "250 ok\r\n"),
                ("DATA", "354 go\r\n"),
                (".", ""),
            ],
            "the letter's end: ",
        ),
        (&[("", "220 mail\r\n"), ("EHLO", "…")], "EHLO: no answer in time"),
    ];
    for (script, words) in tries {
        let (port, talk) = server(script);
        let error = mail::send(&letter(), &mail(port, false, &[OPS]), &post(), soon(2)).unwrap_err().to_string();
        assert!(error.contains(words), "{words} in {error}");
        drop(talk);
    }
}

#[test]
fn a_password_that_is_refused_or_echoed_stands_in_no_error() {
    let tries: [(&'static [(&str, &str)], &str); 3] = [
        (
            &[("", "220 mail\r\n"), ("EHLO", "250-mail\r\n250 AUTH PLAIN\r\n"), ("AUTH", "535 hunter2 is wrong\r\n")],
            "AUTH PLAIN: 535 *** is wrong",
        ),
        // Some repeat the line that they did not take.
        (
            &[
                ("", "220 mail\r\n"),
                ("EHLO", "250-mail\r\n250 AUTH PLAIN\r\n"),
                ("AUTH", "500 \"AUTH PLAIN AG5hdHRwb3N0AGh1bnRlcjI=\" is no command\r\n"),
            ],
            "500 \"AUTH PLAIN ***\" is no command",
        ),
        (
            &[
                ("", "220 mail\r\n"),
                ("EHLO", "250-mail\r\n250 AUTH LOGIN\r\n"),
                ("AUTH", "334 VXNlcm5hbWU6\r\n"),
                ("", "334 UGFzc3dvcmQ6\r\n"),
                ("", "535 aHVudGVyMg== is wrong\r\n"),
            ],
            "535 *** is wrong",
        ),
    ];
    for (script, words) in tries {
        let (port, talk) = server(script);
        let error = mail::send(&letter(), &mail(port, true, &[OPS]), &post(), soon(20)).unwrap_err().to_string();
        assert!(error.ends_with(words), "{error}");
        drop(talk);
    }
}
