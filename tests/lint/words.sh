#!/bin/bash
# The field's own words, in sentences that can be read on their own: no private word that a newcomer
# would have to learn first, and no comment that is half a question ("What is left.", "Of a job.").
set -u
cd "$(dirname "$0")/../.." || exit 1

# The word not to use, and the one that the literature has for it.
words='scene=fixture rack=server-fixture theatre=root-directory stage=step blow=fault dice=random
        ledger=expected-state tricks=bad-server story=event-log stories=event-logs
        telling=announcement rig=fixture litter=leftovers
        errand=ticket-request rung=validator ladder=validators climb=try-next rescue=safety-timer
        hopeless=attempts-exhausted hasten=bring-forward untold=unreported wish=request
        believe=trust flow=active-file turn=iteration'

mapfile -t files < <(find client-lib daemon dbus systemd tests Makefile README.md -type f \
        ! -path tests/lint/words.sh | sort)
[ ${#files[@]} -gt 500 ] || { echo "only ${#files[@]} files found" && exit 1; }

WORDS=$words perl -e '
        my %instead = map { split /=/ } split " ", $ENV{WORDS};
        my $words = join "|", keys %instead;
        my $comments = 0;
        for my $file (@ARGV) {
                local $/;
                open my $in, "<", $file or die "$file: $!\n";
                my $text = <$in>;
                # A database of an older version keeps the column that it has.
                my $old = $file =~ m{store-(columns|schema)|test-store-schema};
                # A sandbox that is closed in two steps has stages; owners take turns.
                my $stages = $file =~ m{^daemon/(confine/sandbox|dosvc-proxy)};
                my $turns = $file =~ m{/(test-)?scheduler\.};
                my $begin = qr/(?<![A-Za-z])|(?<=[a-z])(?=[A-Z])/; # camel case has words too
                my $end = qr/(?![A-Za-z])|(?<=[a-z])(?=[A-Z])/;
                while ($text =~ /(?:$begin)((?i:$words))(?:e?s)?(?:$end)/g) {
                        my ($word, $at) = (lc $1, $-[0]);
                        next if $word eq "untold" && $old || $word eq "stage" && $stages;
                        next if $word eq "turn" &&
                                ($turns || substr($text, 0, $at) !~ /(\b(the|an?|each|this|next|one) |_)$/);
                        report($file, \$text, $at, "\"$word\": say " . $instead{$word} =~ tr/-/ /r);
                }
                next unless $file =~ /\.[ch]$/;
                while ($text =~ m{/\*[\s*]*(.*?)\*/}gs) {
                        my ($comment, $at) = ($1, $-[0]);
                        $comments++;
                        report($file, \$text, $at, "begin with what it is or does, not with \"$1\"")
                                if $comment =~ /^(?=.{26})(What|Of|That|Whose|Who|Which|Whoever|Where)\b/s;
                }
        }
        die "only $comments comments found\n" if $comments < 3000;
        exit $bad;

        sub report {
                my ($file, $text, $at, $why) = @_;
                printf "%s:%d: %s\n", $file, 1 + (substr($$text, 0, $at) =~ tr/\n//), $why;
                $bad = 1;
        }' -- "${files[@]}"
