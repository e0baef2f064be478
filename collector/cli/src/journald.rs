//! Entries to journald, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram each.
//!
//! Who wrote is in `IOBRING_PID`, `IOBRING_UID`, `IOBRING_GID` and `IOBRING_TAG`, as the kernel says (journald's own `_PID` is the
//! collector's), and in `SYSLOG_PID` and `SYSLOG_IDENTIFIER`, which `journalctl` shows.

use crate::cli::Level;
use crate::entry::{Entry, What};
use crate::text::{Body, level};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where journald listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

pub struct Journald {
    socket: UnixDatagram,
    address: SocketAddrUnix,
    /// How many entries it did not take.
    missed: u64,
}

impl Journald {
    /// To the journald that listens at `path`; it may be restarted meanwhile.
    pub fn new(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        // Whether it is there is to be known at once.
        socket.connect(path)?;
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Journald { socket, address: SocketAddrUnix::new(path)?, missed: 0 })
    }

    /// Gives it an entry. It is missed where journald is not there or behind: nobody waits for it; and the next that it takes
    /// is preceded by one that says how many those were.
    pub fn write(&mut self, entry: &Entry) {
        if self.missed > 0 && self.send(&Entry::now(None, What::Missed { entries: self.missed })).is_ok() {
            self.missed = 0;
        }
        if self.send(entry).is_err() {
            self.missed += 1;
        }
    }

    fn send(&self, entry: &Entry) -> io::Result<()> {
        let fields = fields(entry);
        let mut nothing = SendAncillaryBuffer::default();
        match sendmsg_addr(&self.socket, &self.address, &[IoSlice::new(&fields)], &mut nothing, SendFlags::NOSIGNAL) {
            Ok(_) => Ok(()),
            Err(Errno::MSGSIZE) => self.send_file(&fields),
            Err(error) => Err(error.into()),
        }
    }

    /// What is longer than a datagram is handed over as a sealed file.
    fn send_file(&self, fields: &[u8]) -> io::Result<()> {
        let mut file = File::from(memfd_create("entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(fields)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&files));
        sendmsg_addr(&self.socket, &self.address, &[], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// The entry's fields.
fn fields(entry: &Entry) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut field = |name: &str, value: &str| {
        fields.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            fields.push(b'\n');
            fields.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            fields.push(b'=');
        }
        fields.extend_from_slice(value.as_bytes());
        fields.push(b'\n');
    };
    field("MESSAGE", &Body(&entry.what).plain());
    field("PRIORITY", priority(&entry.what));
    if let Some(who) = &entry.process {
        field("SYSLOG_IDENTIFIER", &who.name);
        field("SYSLOG_PID", &who.pid.to_string());
        field("IOBRING_PID", &who.pid.to_string());
        field("IOBRING_UID", &who.uid.to_string());
        field("IOBRING_GID", &who.gid.to_string());
        field("IOBRING_TAG", &who.tag.to_string());
    }
    if let What::Event { event } = &entry.what {
        field("IOBRING_EVENT", &event.to_string());
        if let Some(target) = event["target"].as_str() {
            field("TARGET", target);
        }
    }
    fields
}

/// As syslog(3) numbers them.
fn priority(what: &What) -> &'static str {
    match what {
        What::Event { event } => match level(event) {
            Some(Level::Error) => "3",
            Some(Level::Warn) => "4",
            Some(Level::Debug | Level::Trace) => "7",
            _ => "6",
        },
        What::Lost { .. } | What::Missed { .. } | What::TurnedAway { .. } => "4",
        What::Damaged { .. } => "2",
        What::Ended { code, .. } if *code != Some(0) => "3",
        _ => "6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobring_collect::Process;
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    use std::collections::BTreeMap;
    use std::io::{IoSliceMut, Read, Seek};

    /// What journald makes of a datagram, or of the file in it.
    fn receive(socket: &UnixDatagram) -> BTreeMap<String, String> {
        let mut datagram = vec![0; 1 << 20];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let len = recvmsg(socket, &mut [IoSliceMut::new(&mut datagram)], &mut ancillary, RecvFlags::empty()).unwrap();
        datagram.truncate(len.bytes);
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(mut files) = message {
                let mut file = File::from(files.next().unwrap());
                file.rewind().unwrap();
                file.read_to_end(&mut datagram).unwrap();
            }
        }
        let mut fields = BTreeMap::new();
        let mut rest = &datagram[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8(rest[..end].to_vec()).unwrap();
            rest = &rest[end + 1..];
            let (name, value) = match line.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => {
                    let len = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
                    let value = String::from_utf8(rest[8..8 + len].to_vec()).unwrap();
                    assert_eq!(rest[8 + len], b'\n');
                    rest = &rest[9 + len..];
                    (line, value)
                }
            };
            assert!(fields.insert(name, value).is_none());
        }
        assert!(rest.is_empty());
        fields
    }

    fn entry(text: &str) -> Entry {
        Entry::now(Some(&Process::this(7, "a\nb")), What::Text { text: text.to_owned() })
    }

    #[test]
    fn it_gets_entries_of_any_length_and_is_told_what_it_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(Journald::new(&path).is_err(), "nobody is there");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut journald = Journald::new(&path).unwrap();
        journald.write(&entry("short"));
        let fields = receive(&socket);
        assert_eq!((&*fields["MESSAGE"], &*fields["PRIORITY"], &*fields["IOBRING_TAG"]), ("short", "6", "7"));
        assert_eq!(fields["SYSLOG_IDENTIFIER"], "a\nb", "a name cannot forge a field");
        assert_eq!(fields["IOBRING_PID"], std::process::id().to_string());

        let long = "x".repeat(900_000);
        journald.write(&entry(&long));
        assert_eq!(receive(&socket)["MESSAGE"], long);

        drop(socket);
        std::fs::remove_file(&path).unwrap();
        journald.write(&entry("missed"));
        let socket = UnixDatagram::bind(&path).unwrap();
        journald.write(&entry("after"));
        assert!(receive(&socket)["MESSAGE"].contains("1 entry could not be passed on here"));
        assert_eq!(receive(&socket)["MESSAGE"], "after");
    }
}
