"""All groups of workloads, with the names for `--only`."""

from . import large, small, trees
from .goals import Goal
from .machine import cores
from .workloads import SMALL_FILE

# The space for a large file, the ciphertexts of five programs and one output, including the overhead of encryption.
LARGE_FILES = 7.2
# The same for trees of small files.
TREES = 6
# The space on the disk, with two programs.
FILES_ON_DISK = 4.5
MIB_PER_CORE = 32

# Run in this order. Groups that share the large files come first, and `part` removes the files.
GROUPS = {"null": large.to_null, "tmpfs": large.tmpfs, "pipe": large.pipe, "sign": large.sign,
          "sdk": large.sdk, "disk": large.disk, "part": large.part, "memory": large.memory,
          "small": small.small, "keystore": small.keystore, "files": small.files,
          "files-disk": small.files_disk, "trees": trees.trees}


def room_wanted(scale, names):
    """Returns the bytes in shared memory and on the disk that these groups need."""
    uses_large = {"null", "tmpfs", "pipe", "sign", "sdk"} & set(names)
    in_memory = scale.size * LARGE_FILES if uses_large else 0
    if "files" in names:
        in_memory = max(in_memory, scale.files * SMALL_FILE * TREES)
    if "trees" in names:
        in_memory = max(in_memory, scale.mixed_files * trees.MEAN_SIZE * trees.COPIES_OF_TREE)
    on_disk = scale.size * FILES_ON_DISK if "disk" in names else 0
    if "files-disk" in names:
        on_disk = max(on_disk, scale.files * SMALL_FILE * TREES)
    return int(in_memory) + (64 << 20), int(on_disk)


def memory_goal(peak_kib):
    """The last row: the highest peak of all runs of envcrypt."""
    limit = MIB_PER_CORE * cores()
    return Goal(f"{MIB_PER_CORE} MiB for each of {cores()} cores", lambda _: peak_kib / 1024,
                limit, at_most=True, unit="MiB")
