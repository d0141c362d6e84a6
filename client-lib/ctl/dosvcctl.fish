# fish completion for dosvcctl(1), made of its own help. Jobs and the keys of set are asked from the
# service, which is not started for it: without it there are none.

function __dosvcctl_ask
    set -l which --system
    contains -- --user (commandline -opc); and set which --user
    command dosvcctl $which --no-start $argv 2>/dev/null
end

# "verb<Tab>description"
function __dosvcctl_verbs
    command dosvcctl --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\)[| ].\{1,\}  *\([A-Z].*\)$/\1\t\2/p'
    printf 'help\tShow the help\n'
end

# The verb on the command line, nothing if there is none yet.
function __dosvcctl_verb
    set -l verbs (__dosvcctl_verbs | string replace -r '\t.*' '')
    for word in (commandline -opc)[2..-1]
        if contains -- $word $verbs
            echo $word
            return
        end
    end
end

# "--option<Tab>description", those of the verb first.
function __dosvcctl_options
    set -l verb (__dosvcctl_verb)
    begin
        test -n "$verb"; and command dosvcctl help $verb
        command dosvcctl --help
    end | sed -n 's/^  .. *\(--[a-z-]*=\{0,1\}\)[^ ]*  *\(.*\)$/\1\t\2/p'
end

# "id<Tab>name"
function __dosvcctl_jobs
    __dosvcctl_ask --no-legend list | string replace -r '^(\S+) +(\S+) .* (\S+)$' '$1\t$3, $2'
end

function __dosvcctl_words
    set -l before (commandline -opc)
    set -l verb (__dosvcctl_verb)
    switch "$verb"
        case ''
            __dosvcctl_verbs
        case help
            __dosvcctl_verbs
        case cred
            test $before[-1] = cred; and printf '%s\n' set list remove; or __dosvcctl_jobs
        case header
            test $before[-1] = header; and printf '%s\n' set show remove; or __dosvcctl_jobs
        case cert
            test $before[-1] = cert; and printf '%s\n' set remove; or __dosvcctl_jobs
        case set
            if test $before[-1] = set
                __dosvcctl_jobs
            else
                set -l at (contains -i -- set $before)
                __dosvcctl_ask set $before[(math $at + 1)] | string replace -r '=.*' '='
            end
        case get create list
        case '*'
            __dosvcctl_jobs
    end
end

complete -c dosvcctl -f -a '(__dosvcctl_words)'
complete -c dosvcctl -f -n 'string match -q -- "-*" (commandline -ct)' -a '(__dosvcctl_options)'
complete -c dosvcctl -s o -s O -s i -l output-file -l from-file -l cacert -r -F
complete -c dosvcctl -s d -s P -l directory -x -a '(__fish_complete_directories)'
complete -c dosvcctl -l priority -x -a 'foreground high normal low'
complete -c dosvcctl -l target -x -a 'server proxy'
complete -c dosvcctl -l scheme -x -a 'basic digest ntlm negotiate bearer'
complete -c dosvcctl -l exists -x -a 'replace fail number'
complete -c dosvcctl -l json -x -a 'short pretty off'
complete -c dosvcctl -l state -x -a 'queued connecting transferring suspended error transient-error transferred'
