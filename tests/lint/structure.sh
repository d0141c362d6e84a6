#!/bin/bash
# Signs that a noun is missing: modules that need each other in a circle, and a file that includes
# more than ten headers of its own room. A module is a .c file together with the .h file of the same
# name. It needs another one if it includes its header or, by the objects in $B, uses a symbol that
# the other one defines, wherever that is declared.
set -u
cd "$(dirname "$0")/../.." || exit 1

export B=${B:-build}
find client-lib daemon tests -name '*.[ch]' | sort | perl -we '
        use strict;

        my $max_includes = 10;
        # Known exceptions, each with its reason; the list is there to become empty.
        my %includes_allowed = (
                "tests/lib/servers.c"      => "puts all servers of the tests into one list",
        );
        my %circle_allowed = (
                (map { $_ => "each server is stopped through the list of all servers" }
                        map { "tests/lib/$_" } qw(apache certificates domain lighttpd nginx realm
                                servers squid)),
        );

        my (%needs, $bad);

        sub room { my ($room) = $_[0] =~ m{(.*)/}; return $room }
        sub module { return $_[0] =~ s/\.(pic\.o|[cho])$//r }

        # The path of an included file, looked for as the compiler does.
        sub find_include {
                my ($name) = @_;
                for my $path ($name, "daemon/$name", "client-lib/$name") {
                        return $path if -e $path;
                }
                return;
        }

        sub read_includes {
                my ($file) = @_;
                my $n = 0;
                open(my $in, "<", $file) or die "$file: $!\n";
                while (my $line = <$in>) {
                        next unless $line =~ /^\s*#\s*include\s*"([^"]+)"/;
                        my $header = find_include($1) // next;
                        next if module($header) eq module($file);
                        $needs{module($file)}{module($header)} = 1;
                        $n++ if room($header) eq room($file);
                }
                if ($n > $max_includes && !$includes_allowed{$file}) {
                        print "$file: $n headers of its own room, at most $max_includes\n";
                        $bad = 1;
                }
                delete $includes_allowed{$file} if $n > $max_includes;
        }

        # Needs by symbols, inside each room; modules: the objects and what they are made from.
        sub read_symbols {
                my (%modules) = @_;
                my (%defined_by, @uses);
                open(my $nm, "-|", "nm", "-gA", sort keys %modules) or die "nm: $!\n";
                while (my $line = <$nm>) {
                        my ($object, $type, $symbol) = $line =~ /^(\S+?):.* (\S) (\S+)$/ or next;
                        my $module = $modules{$object};
                        push @uses, [$module, $symbol] if $type eq "U";
                        $defined_by{room($module)}{$symbol} = $module if $type ne "U";
                }
                close($nm) or die "nm failed\n";
                for my $use (@uses) {
                        my ($module, $symbol) = @$use;
                        my $other = $defined_by{room($module)}{$symbol} // next;
                        $needs{$module}{$other} = 1 if $other ne $module;
                }
        }

        # Strongly connected components, by the algorithm of Tarjan.
        my ($index, %index, %low, %on_stack, @stack) = (0);

        sub visit {
                my ($module) = @_;
                $index{$module} = $low{$module} = $index++;
                push @stack, $module;
                $on_stack{$module} = 1;
                for my $other (sort keys %{$needs{$module} // {}}) {
                        if (!defined $index{$other}) {
                                visit($other);
                                $low{$module} = $low{$other} if $low{$other} < $low{$module};
                        } elsif ($on_stack{$other} && $index{$other} < $low{$module}) {
                                $low{$module} = $index{$other};
                        }
                }
                return if $low{$module} != $index{$module};
                my @circle;
                do {
                        push @circle, pop @stack;
                        delete $on_stack{$circle[-1]};
                } while ($circle[-1] ne $module);
                report_circle(sort @circle) if @circle > 1;
        }

        sub report_circle {
                my @circle = @_;
                my @new = grep { !$circle_allowed{$_} } @circle;
                delete @circle_allowed{@circle};
                return unless @new;
                print "circle: @circle\n";
                for my $module (@circle) {
                        my @others = grep { $needs{$module}{$_} } @circle;
                        print "        $module needs @others\n";
                }
                $bad = 1;
        }

        chomp(my @files = <STDIN>);
        read_includes($_) for @files;
        my %modules;
        for my $module (map { module($_) } grep { m{^(client-lib|daemon)/.*\.c$} } @files) {
                for my $object ("$ENV{B}/$module.o", "$ENV{B}/$module.pic.o") {
                        $modules{$object} = $module if -e $object;
                }
        }
        die "no objects in $ENV{B}, run make first\n" unless %modules;
        read_symbols(%modules);
        for my $module (sort keys %needs) {
                visit($module) unless defined $index{$module};
        }
        for my $file (sort(keys %includes_allowed, keys %circle_allowed)) {
                print "$file: needs its exception no more\n";
                $bad = 1;
        }
        exit($bad ? 1 : 0);
'
