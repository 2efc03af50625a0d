//! A week of forty partners, minute by minute, without a daemon and without sleeping: what is late, missing, too much, refused,
//! paused, closed by a person, down and up again, holidays, copies of the database that are not made, over a standstill of thirty
//! hours and the night the clock is set back; and the night it is set forward. What is told is exactly the list that is written
//! here by hand; and the same again with the store closed and opened anew at fifty random minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;

use nattpost::edges::events::{Events, Format};
use nattpost::edges::notice::Taken;
use nattpost::edges::spool::Spool;
use nattpost::edges::store::ledger::{Arrival, Decision, RemoteState};
use nattpost::edges::store::{FileNo, Store};
use nattpost::flows::command::LAST_BACKUP;
use nattpost::flows::problems::keep::{self, Patrol, Sensed};
use nattpost::flows::problems::{Watched, letters};
use nattpost::model::feed::{Missed, Schedule};
use nattpost::model::ids::Id;
use nattpost::model::instant::iso;
use nattpost::model::problem::{Channel, Level, Named, Way};
use nattpost::model::rules::arrivals::{Expect, State, WhenMissing, Window};
use nattpost::model::rules::holidays::{Calendar, Closed, Day, Region};
use nattpost::model::verdict::{Counts, Home};

/// Monday to the Monday after, in Berlin; the clock goes back in the night to Sunday, the 25th of October 2026.
const FROM: &str = "2026-10-19 00:00";
const TO: &str = "2026-10-26 08:00";
/// Nobody looks: Friday evening to the night of Sunday.
const STANDSTILL: (&str, &str) = ("23 20:00", "25 02:00");

/// `23 20:00`: day and local time of October 2026; in the doubled hour the first, `25 02:20b` is the second.
fn at(text: &str) -> DateTime<Utc> {
    let (text, second) = text.strip_suffix('b').map_or((text, false), |text| (text, true));
    let text = if text.len() > 8 { text.to_string() } else { format!("2026-10-{text}") };
    let local =
        chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M").unwrap_or_else(|e| panic!("{text}: {e}"));
    let found = Berlin.from_local_datetime(&local);
    if second { found.latest() } else { found.earliest() }.unwrap().with_timezone(&Utc)
}

fn partner(number: usize) -> String {
    format!("p{number:02}")
}

/// What happens at a minute.
#[derive(Debug, Clone)]
enum Happens {
    Arrives(String),
    /// Refused with this code; the name finds it again.
    Refused(String, &'static str),
    /// A person acted on it.
    Answered(String),
    Remote(String, &'static str),
    Paused(String),
    Resumed(String),
    /// What never came is expected no more: a person asked.
    Closed(String),
    /// The database is copied.
    Copied,
}

fn expect(number: usize) -> Expect {
    let (by, days): (&[&str], &str) = match number {
        6 => (&["0 6", "0 14"], "1-5"),
        8 | 9 => (&["30 2"], "*"),
        _ => (&["0 6"], "*"),
    };
    let (opens, count) = if matches!(number, 4 | 5) { (Some("02:00"), (1, Some(1))) } else { (None, (1, None)) };
    let schedule = |time: &&str| Schedule {
        pattern: format!("{time} * * {days}"),
        zone: Berlin,
        missed: Missed::Once,
        closed: closed(number),
    };
    Expect {
        intake: format!("{}/stock", partner(number)),
        by: by.iter().map(schedule).collect(),
        zone: Berlin,
        opens: opens.map(|time| time.parse().unwrap()),
        least: count.0,
        most: count.1,
        grace: TimeDelta::minutes(15),
        missing_after: TimeDelta::hours(3),
        hold_missing: number == 21,
        when_missing: WhenMissing::Warn,
    }
}

/// Austria's National Day is the 26th of October; the other company is closed on the 21st.
fn closed(number: usize) -> Closed {
    let calendar = |region: Option<&str>, day: Option<&str>| Calendar {
        name: "closed".into(),
        regions: region.map(|code| Region::find(code).unwrap()).into_iter().collect(),
        days: day.map(|day| Day::parse(day).unwrap()).into_iter().collect(),
        open: Vec::new(),
    };
    match number {
        22 => Closed(vec![calendar(Some("AT"), None).into()]),
        23 | 24 => Closed(vec![calendar(None, Some("10-21")).into()]),
        _ => Closed::default(),
    }
}

/// What everybody sends when nothing is the matter, and what is the matter.
fn happenings() -> BTreeMap<DateTime<Utc>, Vec<Happens>> {
    let mut all: BTreeMap<DateTime<Utc>, Vec<Happens>> = BTreeMap::new();
    let mut add = |when: &str, what: Happens| all.entry(at(when)).or_default().push(what);
    // (partner, day) whose morning file does not come as usual.
    let unusual = [
        (1, 20),
        (2, 21),
        (3, 21),
        (3, 22),
        (7, 19),
        (17, 20),
        (10, 24),
        (21, 20),
        (22, 26),
        (23, 21),
        (24, 21),
        (24, 22),
    ];
    for number in 1..=40 {
        for day in 19..=26 {
            let weekend = day == 24 || day == 25;
            let (usual, skips) = match number {
                8 | 9 => ("02:10", number == 9 && day == 25),
                6 => ("05:30", weekend),
                _ => ("05:30", unusual.contains(&(number, day))),
            };
            if !skips {
                add(&format!("{day} {usual}"), Happens::Arrives(partner(number)));
            }
        }
    }
    for day in [19, 20, 21, 22, 26] {
        add(&format!("{day} 13:00"), Happens::Arrives(partner(6)));
    }
    add("22 10:00", Happens::Closed(partner(21)));
    // At three every night, but for one, and not while everything stands still.
    for day in [19, 20, 22, 23, 25, 26] {
        add(&format!("{day} 03:00"), Happens::Copied);
    }
    add("20 07:10", Happens::Arrives(partner(1)));
    add("19 08:00", Happens::Arrives(partner(7)));
    add("25 02:20b", Happens::Arrives(partner(9)));
    add("21 05:45", Happens::Arrives(partner(4)));
    add("22 15:00", Happens::Arrives(partner(5)));
    add("19 12:00", Happens::Paused(partner(17)));
    add("20 12:00", Happens::Resumed(partner(17)));
    add("21 08:00", Happens::Refused(partner(15), "layout-mismatch"));
    add("21 09:00", Happens::Answered(partner(15)));
    add("21 10:00", Happens::Refused(partner(16), "internal-error"));
    add("21 10:30", Happens::Answered(partner(16)));
    // Answered before anybody is told.
    add("22 10:00", Happens::Refused(partner(19), "layout-mismatch"));
    add("22 10:03", Happens::Answered(partner(19)));
    for (number, minutes) in [(11, 3), (12, 10), (13, 40)] {
        let mut minute = 0;
        while minute < 120 {
            let time = |minute: i64| (at("19 10:00") + TimeDelta::minutes(minute)).with_timezone(&Berlin);
            let text = |minute: i64| time(minute).format("%d %H:%M").to_string();
            add(&text(minute), Happens::Remote(partner(number), "passing"));
            add(&text(minute + minutes), Happens::Remote(partner(number), ""));
            minute += 2 * minutes;
        }
    }
    add("20 03:00", Happens::Remote(partner(14), "passing"));
    add("20 03:10", Happens::Remote(partner(14), ""));
    add("23 09:00", Happens::Remote(partner(18), "login"));
    add("23 09:30", Happens::Remote(partner(18), ""));
    for number in 1..=40 {
        add("22 20:00", Happens::Remote(partner(number), "passing"));
        add("22 20:40", Happens::Remote(partner(number), ""));
    }
    all
}

/// Moment of the letter, channel, kind, about, phase. Written by hand: a letter leaves a minute after its first entry.
fn expected() -> Vec<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |when: &str, rest: &str| all.push((iso(at(when)), rest.to_string()));
    // Late, and it comes; the team of p07 hears of it too.
    add("19 06:16", "ops arrival-late p07/stock begun");
    add("19 06:16", "team arrival-late p07/stock begun");
    add("19 08:01", "ops arrival-late p07/stock over");
    add("19 08:01", "team arrival-late p07/stock over");
    add("20 06:16", "ops arrival-late p01/stock begun");
    add("20 07:11", "ops arrival-late p01/stock over");
    // Never; over with the next day's. Two days in a row are one.
    add("21 06:16", "ops arrival-late p02/stock begun");
    add("22 05:31", "ops arrival-late p02/stock over");
    add("21 06:16", "ops arrival-late p03/stock begun");
    add("23 05:31", "ops arrival-late p03/stock over");
    // Held until a person closes it, though the next day's file came.
    add("20 06:16", "ops arrival-late p21/stock begun");
    add("22 10:01", "ops arrival-late p21/stock over");
    // Nothing is expected on a closed day, and everything on the day after.
    add("22 06:16", "ops arrival-late p24/stock begun");
    add("23 05:31", "ops arrival-late p24/stock over");
    // Before the first copy, 26 hours after the last one, and after the standstill at once.
    for (begun, over) in [("19 00:01", "19 03:01"), ("21 05:01", "22 03:01"), ("25 02:01", "25 03:01")] {
        add(begun, "ops backup-old database begun");
        add(over, "ops backup-old database over");
    }
    // Twice where once is meant, and outside of its time: until the next window opens.
    add("21 05:46", "ops arrival-extra p04/stock begun");
    add("22 02:01", "ops arrival-extra p04/stock over");
    add("22 15:01", "ops arrival-extra p05/stock begun");
    add("23 02:01", "ops arrival-extra p05/stock over");
    // Of the second due time of a Friday; Monday's file ends it.
    add("23 14:16", "ops arrival-late p06/stock begun");
    add("26 05:31", "ops arrival-late p06/stock over");
    // Remotes that come and go: one problem where it is never quiet for half an hour.
    add("19 10:19", "ops remote-down p11/ftp begun");
    add("19 12:28", "ops remote-down p11/ftp over");
    add("19 10:21", "ops remote-down p12/ftp begun");
    add("19 12:21", "ops remote-down p12/ftp over");
    add("19 10:16", "ops remote-down p13/ftp begun");
    add("19 11:11", "ops remote-down p13/ftp over");
    add("19 11:36", "ops remote-down p13/ftp begun");
    add("19 12:31", "ops remote-down p13/ftp over");
    // A refused login is told at once, to those who hear of errors.
    for channel in ["ops", "pager"] {
        add("23 09:01", &format!("{channel} remote-refused p18/ftp begun"));
        add("23 10:01", &format!("{channel} remote-refused p18/ftp over"));
        add("21 10:06", &format!("{channel} files-refused p16/stock begun"));
        add("21 10:31", &format!("{channel} files-refused p16/stock over"));
    }
    add("21 08:06", "ops files-refused p15/stock begun");
    add("21 09:01", "ops files-refused p15/stock over");
    // The line was dead for forty.
    for number in 1..=40 {
        add("22 20:16", &format!("ops remote-down {}/ftp begun", partner(number)));
        add("22 21:11", &format!("ops remote-down {}/ftp over", partner(number)));
    }
    add("22 20:16", "team remote-down p07/ftp begun");
    add("22 21:11", "team remote-down p07/ftp over");
    // After the standstill only what did not lie there; judged one look after the start, and so in the letter that already waits.
    add("25 02:01", "ops arrival-late p10/stock begun");
    add("25 05:31", "ops arrival-late p10/stock over");
    // The night of two half past twos: due at the first.
    add("25 02:46", "ops arrival-late p09/stock begun");
    add("25 02:21b", "ops arrival-late p09/stock over");
    all.sort();
    all.into_iter().map(|(when, rest)| format!("{when} {rest}")).collect()
}

struct Company {
    folder: tempfile::TempDir,
    store: Option<Store>,
    spool: Spool,
    events: Events,
    expects: Vec<Expect>,
    backup_within: Option<Duration>,
    channels: Vec<Channel>,
    named: Named,
    /// Files that wait for a person, by name.
    refused: BTreeMap<String, FileNo>,
    seen: u32,
    is_first: bool,
    /// Letters, and what each told.
    letters: usize,
    told: Vec<String>,
}

fn channel(name: &str, level: Level, hears_all: bool) -> Channel {
    let way = Way::Command(vec!["/bin/true".into()]);
    Channel { name: name.into(), level, hears_all, gather: TimeDelta::minutes(1), remind: None, way }
}

impl Company {
    fn new(expects: Vec<Expect>) -> Company {
        // In memory where there is such a place: what a disk promises is shown elsewhere, and this is ten thousand commits.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Company {
            store: Some(Store::open(&folder.path().join("n.db")).unwrap()),
            spool: Spool::open(&folder.path().join("spool")).unwrap(),
            folder,
            events: Events::to(Format::Plain, Box::new(std::io::sink())),
            expects,
            backup_within: None,
            channels: vec![
                channel("ops", Level::Warning, true),
                channel("pager", Level::Error, true),
                channel("team", Level::Warning, false),
            ],
            named: Named::from([(partner(7), vec!["team".to_string()])]),
            refused: BTreeMap::new(),
            seen: 0,
            is_first: true,
            letters: 0,
            told: Vec::new(),
        }
    }

    fn reopen(&mut self) {
        drop(self.store.take());
        self.store = Some(Store::open(&self.folder.path().join("n.db")).unwrap());
        self.is_first = true;
    }

    fn happens(&mut self, what: &Happens, now: DateTime<Utc>) {
        match what {
            Happens::Arrives(partner) => drop(self.see(partner, now)),
            Happens::Refused(partner, code) => {
                let file = self.see(partner, now);
                let counts = Counts { refused: 1, ..Counts::default() };
                let tx = self.store.as_mut().unwrap().begin().unwrap();
                tx.decide_file(file, &decision(counts, code, now)).unwrap();
                tx.mark_placed(&[file]).unwrap();
                tx.commit().unwrap();
                self.refused.insert(partner.clone(), file);
            }
            Happens::Answered(partner) => {
                let file = self.refused.remove(partner).unwrap();
                let tx = self.store.as_mut().unwrap().begin().unwrap();
                tx.set_reason(file, None, None).unwrap();
                tx.mark_placed(&[file]).unwrap();
                tx.commit().unwrap();
            }
            Happens::Remote(partner, trouble) => {
                let state = RemoteState {
                    remote: format!("{partner}/ftp"),
                    trouble: trouble.to_string(),
                    words: "no answer".into(),
                    ..RemoteState::default()
                };
                let tx = self.store.as_mut().unwrap().begin_unsynced().unwrap();
                tx.set_remote_state(&state).unwrap();
                tx.commit().unwrap();
            }
            Happens::Paused(partner) => {
                self.sql("INSERT INTO pause (subject, since, who, comment) VALUES (?1, ?2, 'anna', '')", partner, now);
            }
            Happens::Closed(partner) => {
                let intake = format!("{partner}/stock");
                let tx = self.store.as_mut().unwrap().begin().unwrap();
                for window in tx.unmet_windows(&intake, 10).unwrap() {
                    tx.set_window(&intake, &Window { state: State::Excused, ..window }).unwrap();
                }
                tx.commit().unwrap();
            }
            Happens::Copied => {
                let tx = self.store.as_mut().unwrap().begin().unwrap();
                tx.raise_high_water(LAST_BACKUP, now.timestamp_millis().unsigned_abs()).unwrap();
                tx.commit().unwrap();
            }
            Happens::Resumed(partner) => self.sql("DELETE FROM pause WHERE subject = ?1 AND ?2 <> ''", partner, now),
        }
    }

    fn sql(&self, sql: &str, subject: &str, now: DateTime<Utc>) {
        let conn = rusqlite::Connection::open(self.folder.path().join("n.db")).unwrap();
        assert_eq!(conn.execute(sql, [subject, &iso(now)]).unwrap(), 1);
    }

    fn see(&mut self, partner: &str, now: DateTime<Utc>) -> FileNo {
        self.seen += 1;
        let name = format!("stock-{}.csv", self.seen);
        let tx = self.store.as_mut().unwrap().begin_unsynced().unwrap();
        let file = tx
            .see_file(&Arrival {
                id: Id::new(now.timestamp_millis(), self.seen),
                partner,
                intake: "stock",
                raw_name: name.as_bytes(),
                name: &name,
                origin: "in",
                first_seen: &iso(now),
                size: 1,
                inode: 1,
                mtime_ns: 1,
                returns_of: None,
                alone: false,
            })
            .unwrap();
        tx.mark_placed(&[file]).unwrap();
        tx.commit().unwrap();
        file
    }

    /// As the daemon does every minute: a look, then the letters whose time has come; their channels take them.
    fn look(&mut self, now: DateTime<Utc>) {
        let Company { store, spool, events, expects, channels, named, backup_within, .. } = self;
        let store = store.as_mut().unwrap();
        let backup_within = *backup_within;
        let watched = Watched {
            company: "Week",
            zone: Berlin,
            backup_within,
            intakes: &[],
            feeds: &[],
            expects,
            channels,
            named,
        };
        let asleep_since = match self.is_first {
            true => keep::asleep_since(keep::looked_at(&store.read().unwrap()).unwrap(), now),
            false => None,
        };
        self.is_first = false;
        let sensed = Sensed { asleep_since, ..Sensed::default() };
        keep::look(&mut Patrol { store, spool, events, now, watched }, &sensed).unwrap();
        let posted = letters::due(&store.read().unwrap(), &watched, &BTreeSet::new(), (now, false)).unwrap();
        for letter in posted {
            self.letters += 1;
            for entry in &letter.letter.entries {
                let phase = entry.phase.as_str();
                self.told.push(format!("{} {} {} {} {phase}", iso(now), letter.channel.name, entry.kind, entry.about));
            }
            letters::done(store, events, &letter, Ok(Taken::default()), now).unwrap();
        }
    }
}

fn decision<'d>(counts: Counts, code: &'d str, now: DateTime<Utc>) -> Decision<'d> {
    let moment: &'static str = iso(now).leak();
    Decision {
        verdict: counts.file_verdict(),
        counts,
        kind: "stock",
        layout: "x",
        fingerprint: 0,
        content_hash: None,
        code,
        home: Home::Failed,
        day: &moment[..10],
        decided_at: moment,
        reason_text: Some("refused"),
        reject_plan: None,
        comment: "",
    }
}

/// Plays the week; `restarts`: minutes at which the store is closed and opened.
fn play(restarts: &BTreeSet<i64>) -> Company {
    let mut company = Company::new((1..=40).map(expect).collect());
    company.backup_within = Some(Duration::from_secs(26 * 3_600));
    play_on(&mut company, &happenings(), (FROM, TO), STANDSTILL, restarts);
    company
}

fn play_on(
    company: &mut Company,
    happenings: &BTreeMap<DateTime<Utc>, Vec<Happens>>,
    (from, to): (&str, &str),
    standstill: (&str, &str),
    restarts: &BTreeSet<i64>,
) {
    let (asleep, awake) = (at(standstill.0), at(standstill.1));
    let (mut now, end) = (at(from), at(to));
    // What a partner drops while nobody looks lies there, and is first seen at the start.
    let mut lying = Vec::new();
    while now < end {
        let happening = happenings.get(&now).cloned().unwrap_or_default();
        if now >= asleep && now < awake {
            lying.extend(happening);
        } else {
            let minute = (now - at(from)).num_minutes();
            if restarts.contains(&minute) || now == awake {
                company.reopen();
            }
            for what in lying.drain(..).chain(happening) {
                company.happens(&what, now);
            }
            company.look(now);
        }
        now += TimeDelta::minutes(1);
    }
}

fn compare(company: &Company) {
    let mut told = company.told.clone();
    told.sort();
    let expected = expected();
    let missing: Vec<&String> = expected.iter().filter(|line| !told.contains(line)).collect();
    let surplus: Vec<&String> = told.iter().filter(|line| !expected.contains(line)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "not told: {missing:#?}\ntold and not expected: {surplus:#?}");
    assert_eq!(told, expected, "something was told twice");
    // Forty lines of one moment are one letter.
    assert!(company.letters < told.len() / 2, "{} letters for {} entries", company.letters, told.len());
}

#[test]
fn a_week_of_forty_partners_tells_each_problem_once_and_its_end_once() {
    let company = play(&BTreeSet::new());
    compare(&company);
    let conn = rusqlite::Connection::open(company.folder.path().join("n.db")).unwrap();
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM problem WHERE over_at IS NULL"), 0);
    assert_eq!(count("SELECT count(*) FROM notice WHERE state <> 'sent'"), 0);
    // Short outages, and what was answered at once: problems that nobody heard of.
    assert_eq!(count("SELECT count(*) FROM problem WHERE told_at IS NULL"), 2);
    let state = |intake: &str, day: &str| {
        let sql = "SELECT state || ' ' || came FROM arrival_window WHERE intake = ?1 AND due_at LIKE ?2";
        conn.query_row(sql, [intake, &format!("{day}%")], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(state("p17/stock", "2026-10-20"), "excused 0", "paused");
    assert_eq!(state("p03/stock", "2026-10-22"), "missing 0");
    assert_eq!(state("p20/stock", "2026-10-24"), "met 1", "it lay there after the standstill");
    assert_eq!(state("p21/stock", "2026-10-20"), "excused 0", "a person closed it");
    let windows = "SELECT count(*) FROM arrival_window WHERE intake = 'p23/stock' AND due_at LIKE '2026-10-21%'";
    assert_eq!(count(windows), 0, "a closed day");
}

/// Half past two does not exist: it is due at three, and late a quarter after.
#[test]
fn the_night_the_clock_is_set_forward_expects_once() {
    let mut happenings: BTreeMap<DateTime<Utc>, Vec<Happens>> = BTreeMap::new();
    let mut arrives = |when: &str, number: usize| {
        happenings.entry(at(&format!("2026-03-{when}"))).or_default().push(Happens::Arrives(partner(number)));
    };
    for day in ["28", "29", "30"] {
        arrives(&format!("{day} 01:40"), 8);
    }
    arrives("28 01:40", 9);
    arrives("29 04:10", 9);
    arrives("30 01:40", 9);
    let mut company = Company::new([8, 9].map(expect).to_vec());
    let never = ("2026-04-01 00:00", "2026-04-01 00:00");
    play_on(&mut company, &happenings, ("2026-03-27 12:00", "2026-03-30 08:00"), never, &BTreeSet::new());
    let expected = [("29 03:16", "begun"), ("29 04:11", "over")]
        .map(|(when, phase)| format!("{} ops arrival-late p09/stock {phase}", iso(at(&format!("2026-03-{when}")))));
    assert_eq!(company.told, expected);
}

#[test]
fn the_same_week_with_fifty_restarts_tells_the_same() {
    let length = (at(TO) - at(FROM)).num_minutes();
    for seed in [20_261_019_u64] {
        let mut chance = seed;
        let mut restarts = BTreeSet::new();
        while restarts.len() < 50 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            restarts.insert(((chance >> 33) % length.unsigned_abs()) as i64);
        }
        compare(&play(&restarts));
    }
}
