/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Place: says on the board where a block group lies, so that its removal can be laid beside the scrubs in flight.
 */
#include "observe/board.h"
#include "target/extent-map.h"

/* seen_ns: taken *before* the chunk tree was read. A group read was there at some moment after it, so a removal dated later is this group's,
 * unless a group went and another took its logical address within the reading itself. Taken after, it would miss every group that is removed
 * while we read. The chunk item goes before the removal is traced (btrfs_remove_chunk), so a group that is just being removed is not read, and
 * its removal finds the place said before. Does not block. */
void place_say(Slot *slot, const Chunk *c, uint64_t seen_ns);
