#!/bin/bash
# What the service can, libdosvc and dosvcctl can, and say so: each member and each option of the
# public XML against dosvc.h, the library's sources, dosvcctl's sources and its manual.
#
#   tests/lint/parity.sh [DIRECTORY]
#
# DIRECTORY holds the XML: dbus unless said otherwise.
set -u
cd "$(dirname "$0")/../.." || exit 1

xml=${1:-dbus}

# shellcheck disable=SC2016 # the script is perl's
exec perl -we '
use strict;

my ($xml) = @ARGV;
my $bad = 0;
sub complain { print "@_\n"; $bad = 1 }
sub slurp { local (@ARGV, $/) = @_; join "", <> }

# Members that a client has no need of besides another one.
my %same_as = ("Job.ListFiles" => "Job.ListFilesFiltered", "Manager.GetJob" => "Manager.ListJobs",
        "Manager.Unsubscribe" => "the end of the connection", "Job.Wait" => "Manager.Subscribe");

# The XML: [interface, kind, name, type, access, the comment above it].
my @members;
for my $interface (qw(Manager Job File)) {
        my $text = slurp("$xml/org.dosvc1.$interface.xml");
        my $comment = "";
        while ($text =~ m{<!--(.*?)-->|<(method|signal|property)\s+([^>]*)>}gs) {
                if (defined $1) { $comment = $1; next }
                my ($kind, $attributes) = ($2, $3);
                my %is = $attributes =~ m{(\w+)="([^"]*)"}g;
                push @members, [$interface, $kind, $is{name}, $is{type}, $is{access}, $comment];
                $comment = "";
        }
}
complain("$xml: no members") if @members < 40;

# dosvc.h: comments, and the functions that are declared right behind each.
my $header = slurp("client-lib/dosvc.h");
my (%comments_of, %functions_of);
while ($header =~ m{/\*(.*?)\*/\n(.*?)(?=\n\n|/\*)}gs) {
        my ($comment, $declarations) = ($1, $2);
        my @functions = $declarations =~ m{\b(dosvc_\w+)\(}g;
        for my $member ($comment =~ m{\b((?:Manager|Job|File)\.\w+)}g) {
                $comments_of{$member} .= $comment;
                push @{$functions_of{$member}}, @functions;
        }
}
my $library = slurp(glob("client-lib/*.c"));
my $ctl = slurp(glob("client-lib/ctl/*.c"));
my $manual = slurp("client-lib/ctl/dosvcctl.1");
$manual =~ s/\\f[BIR]//g;
$manual =~ s/\\-/-/g;
my ($keys) = $manual =~ m{^\.BR set " (.*?)^\.BR edit-url}ms;

# "MinimumRetryDelay" as a key of set.
sub words {
        my $name = shift;
        $name =~ s/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z][A-Z])(?=[A-Z][a-z])/-/g;
        return lc $name;
}

for (@members) {
        my ($interface, $kind, $name, $type, $access, $comment) = @$_;
        my $member = "$interface.$name";

        if ($kind ne "property") {
                complain("$member: dosvc.h does not name this $kind") if !$comments_of{$member};
                next if $same_as{$member};
                complain("$member: libdosvc does not use this $kind") if $library !~ m{"$name"};
                next if $kind eq "signal";
                complain("$member: dosvcctl calls no function that is this method")
                        if !grep { $ctl =~ m{\b$_\b} } @{$functions_of{$member} // []};
                # "sha256 s", "ranges a(tt)" in the text of a method.
                my @options = $comment =~ m{(?<![\w-])([a-z][a-z0-9-]*) (?:[stbouh](?![\w\x27])|a\(tt\)|as(?=[,;]|  ))}g;
                for my $option (@options) {
                        complain("$member: dosvc.h does not name option $option where it names the method")
                                if ($comments_of{$member} // "") !~ m{(?<![\w-])$option(?![\w-])};
                        complain("$member: dosvcctl.1 does not name option $option")
                                if $name eq "AddFile" && $manual !~ m{(?<![\w-])$option(?![\w-])};
                }
                next;
        }
        # Properties are reached by their name, whatever it is; but not every type is.
        complain("$member: libdosvc cannot give a property of type $type")
                if $type !~ m{^[sogyqutbav(){}]+$};
        complain("$member: dosvcctl.1 does not document this key of set")
                if $access ne "read" && $keys !~ m{(?<![\w-])(?:$name|\Q@{[words($name)]}\E)(?![\w-])};
}

# And back: what the accessors of the library, the keys of the manual and the special keys of set
# name is there.
my %properties = map { $_->[2] => $_ } grep { $_->[1] eq "property" } @members;
my %member_of = map { $_->[2] => $_ } @members;
for my $file ("job-info", "service") {
        my $text = slurp("client-lib/$file.c");
        for my $name ($text =~ m{"([A-Z]\w+)"}g) {
                complain("client-lib/$file.c: there is no member $name") if !$member_of{$name};
        }
}
my $set = slurp("client-lib/ctl/verb-set.c");
my %special = map { $_ => 1 } $set =~ m{\{ "([a-z-]+)", "\w+", \w+ \}}g;
my %writable = map { words($_->[2]) => 1 } grep { $_->[1] eq "property" && $_->[4] ne "read" } @members;
for my $line ($keys =~ m{^\.IP "(.*?)" \d}gm) {
        for my $key (split /, /, $line) {
                complain("dosvcctl.1: there is no key $key") if !$special{$key} && !$writable{$key};
        }
}
exit $bad;
' "$xml"
