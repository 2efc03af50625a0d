//! The closed list of what the program tells its operators, and of the keys it tells it with. One line an event: adding one
//! here and in docs/events.md is how a new one comes to be (a test compares the two).

use std::fmt;

/// How much it matters to somebody who reads the log at 06:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The day's work.
    Info,
    /// Something waits for a person, or will.
    Warning,
    /// Something does not work.
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

macro_rules! events {
    ($($variant:ident $name:literal $level:ident $meaning:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Event {
            $(#[doc = $meaning] $variant,)+
        }

        impl Event {
            pub const ALL: &'static [Event] = &[$(Event::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Event::$variant => $name,)+ }
            }

            pub fn level(self) -> Level {
                match self { $(Event::$variant => Level::$level,)+ }
            }

            /// One sentence, as in docs/events.md.
            pub fn meaning(self) -> &'static str {
                match self { $(Event::$variant => $meaning,)+ }
            }
        }
    };
}

macro_rules! keys {
    ($($variant:ident $name:literal $meaning:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Key {
            $(#[doc = $meaning] $variant,)+
        }

        impl Key {
            pub const ALL: &'static [Key] = &[$(Key::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Key::$variant => $name,)+ }
            }

            /// One sentence, as in docs/events.md.
            pub fn meaning(self) -> &'static str {
                match self { $(Key::$variant => $meaning,)+ }
            }
        }
    };
}

events! {
    FileSeen "file-seen" Info "A settled file got its id and stands in the ledger.";
    FileAccepted "file-accepted" Info "Its messages are applied; single ones may be held or refused.";
    FileUnchanged "file-unchanged" Info "It says what is known already; it counts as arrived.";
    FileDuplicate "file-duplicate" Info "All its requests were applied before.";
    FileStale "file-stale" Info "It is older than what is known; nothing was written.";
    FileHeld "file-held" Warning "It, or all its messages, wait for a person, for time or for another message.";
    FileLocked "file-locked" Warning "It would change or delete more than its intake's guard lets through, or waits behind such a file; a person decides.";
    FileRefused "file-refused" Warning "Nothing of it was taken; the reason stands in failed/.";
    FileIncomplete "file-incomplete" Warning "It rests in in/ without its end; it is refused if it does not grow.";
    FileOdd "file-odd" Warning "A name in in/ is no file that can be taken: symlink, folder, no permission.";
    FileUnmatched "file-unmatched" Warning "A file lies in a folder of in/ that no intake has, or a done-file fits several, or there are two files for one part of an arrival.";
    FileVanished "file-vanished" Warning "It was seen and is nowhere any more; it was not applied.";
    FileReturned "file-returned" Warning "A file in work/ that the ledger does not know went back to in/.";
    FileCrashed "file-crashed" Error "Reading it ended the process several times; it was set aside.";
    FileRecovered "file-recovered" Info "A start finished what a crash had left half done with it.";
    FileRetried "file-retried" Info "It is judged again because a person asked for it.";
    OriginalMissing "original-missing" Error "Its verdict stands, the file itself is nowhere.";
    OriginalPruned "original-pruned" Info "Its original was removed when its time was over.";
    OriginalArchived "original-archived" Info "Its original was put into the archive of its day.";
    OriginalRedacted "original-redacted" Info "The personal fields of its original were overwritten when their time was over.";
    OriginalUnredacted "original-unredacted" Warning "The personal fields of its original should be overwritten and were not found; it is tried again when the intake's configuration changes.";
    HeldReleased "held-released" Info "What held messages waited for has come; they were judged again.";
    HeldExpired "held-expired" Warning "What held messages waited for did not come in time; they were refused.";
    InternalError "internal-error" Error "The program failed on one file and goes on with the next.";
    RunReady "run-ready" Info "A file of ours is committed and stands in out/.";
    RunRehearsed "run-rehearsed" Info "A file of ours that nobody is to see (mode shadow) stands in held/out/.";
    RunSent "run-sent" Info "A file of ours was delivered or picked up.";
    DeliveryFailed "delivery-failed" Error "A file of ours could not be brought to its remote; it is tried again.";
    DeliveryUnknown "delivery-unknown" Warning "Nobody knows whether a file of requests reached its remote, or it is gone from out/ before; a person decides.";
    RunEmpty "run-empty" Info "A feed was due and had nothing to send.";
    RunFailed "run-failed" Error "A feed was due and its file could not be made.";
    RunSuperseded "run-superseded" Info "A newer run took its name and number before it was taken.";
    RunInDoubt "run-in-doubt" Warning "It was taken so soon after it took another's place that the other may have been read; it is told again.";
    FeedLocked "feed-locked" Error "What would go out differs too much from what went out before; a person decides.";
    FeedReleased "feed-released" Info "A person let a locked feed go on.";
    FeedDiscarded "feed-discarded" Info "A person dropped what a locked feed had composed.";
    RunUnknown "run-unknown" Warning "A file in out/ or staged/ belongs to no run; it was moved to held/out/.";
    RunKnown "run-known" Info "A file of ours that an accepted database did not know is known again, with what is in it.";
    RunRemoved "run-removed" Info "A composed file whose run was never committed was removed.";
    DueSkipped "due-skipped" Info "Due times of a feed passed while nobody ran or it was paused, and are not made up for.";
    Paused "paused" Warning "A person stopped a partner, an intake or a feed for a while.";
    Resumed "resumed" Info "A person let it go on.";
    CommandDone "command-done" Info "A command of the command line was carried out.";
    CommandRefused "command-refused" Warning "A command of the command line was not carried out.";
    RemoteFailed "remote-failed" Error "A remote, or one file there, cannot be worked with; what is meant for it waits.";
    RemoteBack "remote-back" Info "A remote can be worked with again.";
    RemoteNameOdd "remote-name-odd" Warning "A name at a remote cannot be taken, or is none of ours.";
    FileKeptThere "file-kept-there" Warning "Another file took its place at the remote before it was removed; that one stays and is fetched anew.";
    StoreWaiting "store-waiting" Error "The database takes nothing at the moment; everything waits and is tried again.";
    StoreBack "store-back" Info "The database takes commits again.";
    DiskFull "disk-full" Error "The spool takes nothing at the moment (full, read-only, failing); everything waits.";
    DiskLow "disk-low" Error "Less room is left than disk_floor; nothing is taken in until there is more.";
    DiskBack "disk-back" Info "The spool takes files again.";
    FolderFailed "folder-failed" Error "A folder of the spool cannot be listed or changed; the others go on.";
    FolderBack "folder-back" Info "A folder of the spool can be listed and changed again.";
    FolderRemade "folder-remade" Warning "An intake's folder was gone and was made anew.";
    WatchPoor "watch-poor" Warning "Folders are not watched; the periodic scan finds files, later than usual.";
    DatabaseAccepted "database-accepted" Warning "A person accepted a database that does not know all that stands in the spool.";
    ProblemBegun "problem-begun" Warning "Something is the matter that waits for a person; nattpost problems tells it whole.";
    ErrorBegun "error-begun" Error "Something is the matter that does not work; nattpost problems tells it whole.";
    ProblemOver "problem-over" Info "What was the matter is over.";
    NoticeSent "notice-sent" Info "A channel took a letter with these many entries.";
    NoticeFailed "notice-failed" Warning "A channel did not take a letter; it waits and is tried again.";
    HttpFailed "http-failed" Warning "Health and metrics cannot be had at the configured address; all else goes on.";
    DaemonStarted "daemon-started" Info "The program runs.";
    DaemonStopping "daemon-stopping" Info "It was asked to stop and finishes what it can.";
    DaemonStopped "daemon-stopped" Info "It has stopped in order.";
    ConfigLoaded "config-loaded" Info "The configuration was read and is in force.";
    ConfigBad "config-bad" Error "The configuration has a problem; the old one stays in force.";
}

keys! {
    Partner "partner" "Whose file, feed or rule it is.";
    Intake "intake" "The inbound rule.";
    Feed "feed" "The outbound rule.";
    Remote "remote" "The remote it stands at.";
    Phase "phase" "What was going on at the remote.";
    Name "name" "The file's name as its sender called it.";
    Path "path" "Where it stands now.";
    Bytes "bytes" "Size of the file.";
    Kind "kind" "Kind of the messages, or of what was found.";
    Layout "layout" "The layout that read or wrote it.";
    Messages "messages" "How many messages it has.";
    Accepted "accepted" "How many of them were applied.";
    Unchanged "unchanged" "How many said what was known.";
    Duplicate "duplicate" "How many were applied before.";
    Stale "stale" "How many were older than what is known.";
    Held "held" "How many wait.";
    Refused "refused" "How many were refused.";
    Reason "reason" "The reason, for a person.";
    Count "count" "How many there are.";
    Attempts "attempts" "How often it was tried.";
    About "about" "What a problem is about: an intake, a feed, a partner, a channel, a part of the program.";
    Channel "channel" "The channel that is told.";
    Unmapped "unmapped" "Characters that the encoding of the partner's layout lacks and that something else was written for.";
    Mode "mode" "test or shadow: it was only rehearsed, and nothing of it was applied or sent in earnest.";
    Verb "verb" "What a command asked for.";
    Error "error" "The system's own word.";
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
