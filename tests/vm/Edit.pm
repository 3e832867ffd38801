# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a variant is made of: literal replacements that must strike exactly as often as they say, so that a newer source in which the place
# has changed fails the build instead of making an unchanged kernel that "passes". Core perl only.
package Edit;

use strict;
use warnings;

sub import {
        no strict 'refs';
        *{caller() . '::edit'} = \&edit;
}

# edit FILE, TIMES, OLD, NEW: replaces every OLD by NEW in FILE (below the kernel source, the current directory).
sub edit {
        my ($file, $times, $old, $new) = @_;

        open(my $in, '<', $file) or die "$file: $!\n";
        my $text = do { local $/; <$in> };
        close($in);
        my $struck = ($text =~ s/\Q$old\E/$new/g) || 0;
        die "$file: the edit strikes $struck times instead of $times; look at the source and adapt the variant:\n$old\n" if $struck != $times;
        open(my $out, '>', $file) or die "$file: $!\n";
        print $out $text;
        close($out) or die "$file: $!\n";
}

1;
