//! SQLite on the simulated disk: a virtual file system, registered under a name of its own.
//!
//! One connection at a time uses a file here, so locks always succeed. As SQLite's own file system for Unix does, a
//! journal's or log's name becomes durable with its first sync; the database's own name does not.
#![allow(unsafe_code, reason = "SQLite's file systems are tables of C functions")]

use super::{State, lock};
use rusqlite::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex};

type Shared = Arc<Mutex<State>>;

/// A file as SQLite holds it: its table of methods first, then what is ours.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Owned by the file from open to close.
    own: *mut Own,
}

struct Own {
    state: Shared,
    path: PathBuf,
    inode: usize,
    /// Make the name durable with the next sync.
    sync_name: bool,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(no_lock),
    xUnlock: Some(no_lock),
    xCheckReservedLock: Some(no_reserved_lock),
    xFileControl: Some(no_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(no_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Registers a file system for a disk and returns its name. It stays registered: tests make a few thousand at most.
pub fn register(state: Shared) -> String {
    let name = format!("netnew-sim-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let vfs = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<File>() as c_int,
        mxPathname: 1024,
        pNext: std::ptr::null_mut(),
        zName: CString::new(name.clone()).expect("a name without zero bytes").into_raw(),
        pAppData: Box::into_raw(Box::new(state)).cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: None,
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the table and what it points to are leaked on purpose, so they live as long as SQLite may use them.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK, "SQLite takes the file system");
    name
}

/// The disk of a file system.
///
/// # Safety
/// `vfs` was made by [`register`].
unsafe fn disk<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Shared {
    // SAFETY: `pAppData` is the leaked box that `register` put there.
    unsafe { &*(*vfs).pAppData.cast::<Shared>() }
}

/// What is ours of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and not closed yet; SQLite uses a file from one thread at a time.
unsafe fn own<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Own {
    // SAFETY: `open` put a box there that only `close` takes back.
    unsafe { &mut *(*file.cast::<File>()).own }
}

/// A path from SQLite.
///
/// # Safety
/// `name` is a zero-terminated string.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: as promised by the caller.
    let text = unsafe { CStr::from_ptr(name) };
    Path::new(&*text.to_string_lossy()).to_path_buf()
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with its own table, a buffer of szOsFile bytes, and a name or null for a temporary file.
    unsafe {
        let target = file.cast::<File>();
        (*target).base.pMethods = std::ptr::null();
        let state = disk(vfs).clone();
        let path = if name.is_null() {
            PathBuf::from(format!("/temporary-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
        } else {
            path_of(name)
        };
        let mut held = lock(&state);
        let known = held.names.get(&path).copied();
        let inode = match known {
            Some(inode) => inode,
            None if flags & ffi::SQLITE_OPEN_CREATE != 0 || name.is_null() => {
                if held.operation().is_err() {
                    return ffi::SQLITE_IOERR;
                }
                held.create(&path)
            }
            None => return ffi::SQLITE_CANTOPEN,
        };
        drop(held);
        let logs = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        let sync_name = known.is_none() && flags & logs != 0;
        (*target).own = Box::into_raw(Box::new(Own { state, path, inode, sync_name }));
        (*target).base.pMethods = &METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; the box is the one that `open` made.
    unsafe { drop(Box::from_raw((*file.cast::<File>()).own)) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives an open file and a buffer of `count` bytes.
    let (own, to) = unsafe { (own(file), std::slice::from_raw_parts_mut(to.cast::<u8>(), count as usize)) };
    let state = lock(&own.state);
    let bytes = &state.inodes[own.inode].now;
    let from = (at as usize).min(bytes.len());
    let there = to.len().min(bytes.len() - from);
    to[..there].copy_from_slice(&bytes[from..from + there]);
    to[there..].fill(0);
    if there == to.len() { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite gives an open file and `count` bytes.
    let (own, from) = unsafe { (own(file), std::slice::from_raw_parts(from.cast::<u8>(), count as usize)) };
    let mut state = lock(&own.state);
    if state.operation().is_err() {
        return ffi::SQLITE_IOERR_WRITE;
    }
    let bytes = &mut state.inodes[own.inode].now;
    let end = at as usize + from.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at as usize..end].copy_from_slice(from);
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite gives an open file.
    let own = unsafe { own(file) };
    let mut state = lock(&own.state);
    if state.operation().is_err() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    state.inodes[own.inode].now.resize(size as usize, 0);
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let own = unsafe { own(file) };
    let mut state = lock(&own.state);
    if state.operation().is_err() {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    let inode = &mut state.inodes[own.inode];
    inode.durable = inode.now.clone();
    if own.sync_name {
        own.sync_name = false;
        state.durable_names.insert(own.path.clone(), own.inode);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    unsafe {
        let own = own(file);
        *size = lock(&own.state).inodes[own.inode].now.len() as i64;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_lock(_file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_reserved_lock(_file: *mut ffi::sqlite3_file, held: *mut c_int) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *held = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_control(_file: *mut ffi::sqlite3_file, _what: c_int, _with: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn no_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    let own = unsafe { own(file) };
    let mut state = lock(&own.state);
    let regions = state.shared.entry(own.path.clone()).or_default();
    while regions.len() <= region as usize && extend != 0 {
        // Leaked: SQLite may hold on to it until its last connection closes. 32 KiB each.
        let memory = Box::leak(vec![0u64; size as usize / 8].into_boxed_slice());
        regions.push(memory.as_mut_ptr() as usize);
    }
    let at = regions.get(region as usize).map_or(std::ptr::null_mut(), |at| *at as *mut c_void);
    // SAFETY: as above.
    unsafe { *out = at };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    _file: *mut ffi::sqlite3_file,
    _at: c_int,
    _count: c_int,
    _flags: c_int,
) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let own = unsafe { own(file) };
    if delete != 0 {
        lock(&own.state).shared.remove(&own.path);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite calls with its own table and a name.
    let (state, path) = unsafe { (disk(vfs), path_of(name)) };
    let mut state = lock(state);
    if !state.names.contains_key(&path) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    if state.operation().is_err() {
        return ffi::SQLITE_IOERR_DELETE;
    }
    state.names.remove(&path);
    if sync_dir != 0 {
        state.durable_names.remove(&path);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with its own table, a name and a place for the answer.
    unsafe { *out = c_int::from(lock(disk(vfs)).names.contains_key(&path_of(name))) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a zero-terminated name and a buffer of `size` bytes.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > size as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let seed = NEXT.fetch_add(1, Ordering::Relaxed);
    for at in 0..count as usize {
        let byte = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(at as u64 * 31) >> 16;
        // SAFETY: SQLite gives a buffer of `count` bytes.
        unsafe { *out.add(at) = byte as c_char };
    }
    count
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: SQLite gives a place for the answer. Milliseconds of a Julian day of 2024: time stands still here.
    unsafe { *out = 212_571_000_000_000 };
    ffi::SQLITE_OK
}
