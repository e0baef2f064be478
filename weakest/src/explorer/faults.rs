//! Faults to be seeded into this engine, so that one sees its tests notice them.
//!
//! With the feature `seeded-faults`, the environment variable `WEAKEST_FAULT` names the one in force (`weakest/faults.sh`
//! goes through them all); without it, none ever is and nothing of this is left in the program.

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "seeded-faults"), allow(dead_code, reason = "only ever asked for"))]
pub(super) enum Fault {
    AcquireLearnsNothing,
    FencesDoNothing,
    FencesAreUnordered,
    EveryFenceIsAlone,
    LightFencesAreFull,
    ReleaseSequencesBreak,
    ReadsAreFresh,
    ReadsAreForgotten,
    StoresComeLast,
    UpdatesAreTornApart,
    RacesAreMissed,
    MessagesAreForgotten,
    KnowledgeIsForgotten,
    LoadsAreLocal,
    FutexStoresAreLocal,
    WakesAreLost,
    CleanUpLeavesTheWord,
    CleanUpWakesNobody,
    HooksAreSkipped,
    AnyWakeUpCounts,
    LivelocksAreMissed,
    AccessesAreUnordered,
    RefusalsAreRelaxed,
    PromisesPassFences,
    PromisesPassOwnReads,
    ReleasesArePromised,
    NothingIsCertified,
    FailuresAreUncertified,
    DeathsLeavePromises,
    /// A heavy fence does not reach what a thread did that is dead.
    DeathsPassNoFence,
    AcquiresReadAnything,
    DecisionsReadAnything,
    PromisesAreMerged,
    PromisesComeLast,
    StuckPromisesFail,
    PromisesTeachNothing,
    PromisesAreTornApart,
    OwnStoresAreNewer,
    AgesAreForgotten,
    DecisionsAreUnknown,
    LastBytesAreLost,
    OtherStepsAreForgotten,
}

#[cfg(feature = "seeded-faults")]
pub(super) fn seeded(fault: Fault) -> bool {
    use Fault::*;
    static SEEDED: std::sync::OnceLock<Option<Fault>> = std::sync::OnceLock::new();
    let all = [
        AcquireLearnsNothing,
        FencesDoNothing,
        FencesAreUnordered,
        EveryFenceIsAlone,
        LightFencesAreFull,
        ReleaseSequencesBreak,
        ReadsAreFresh,
        ReadsAreForgotten,
        StoresComeLast,
        UpdatesAreTornApart,
        RacesAreMissed,
        MessagesAreForgotten,
        KnowledgeIsForgotten,
        LoadsAreLocal,
        FutexStoresAreLocal,
        WakesAreLost,
        CleanUpLeavesTheWord,
        CleanUpWakesNobody,
        HooksAreSkipped,
        AnyWakeUpCounts,
        LivelocksAreMissed,
        AccessesAreUnordered,
        RefusalsAreRelaxed,
        PromisesPassFences,
        PromisesPassOwnReads,
        ReleasesArePromised,
        NothingIsCertified,
        FailuresAreUncertified,
        DeathsLeavePromises,
        DeathsPassNoFence,
        AcquiresReadAnything,
        DecisionsReadAnything,
        PromisesAreMerged,
        PromisesComeLast,
        StuckPromisesFail,
        PromisesTeachNothing,
        PromisesAreTornApart,
        OwnStoresAreNewer,
        AgesAreForgotten,
        DecisionsAreUnknown,
        LastBytesAreLost,
        OtherStepsAreForgotten,
    ];
    let named = |name: std::ffi::OsString| {
        let known = all.into_iter().find(|fault| *format!("{fault:?}") == *name);
        Some(known.unwrap_or_else(|| panic!("no fault is called {name:?}; there are {all:?}")))
    };
    *SEEDED.get_or_init(|| std::env::var_os("WEAKEST_FAULT").and_then(named)) == Some(fault)
}

#[cfg(not(feature = "seeded-faults"))]
#[inline(always)]
pub(super) const fn seeded(_: Fault) -> bool {
    false
}
