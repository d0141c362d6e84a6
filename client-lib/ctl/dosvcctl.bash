# bash completion for dosvcctl(1). Jobs and the keys of set are asked from the service, which is not
# started for it: without it there are none.

# dosvcctl itself, for the service that the command line is about.
_dosvcctl_ask() {
        local which=--system

        [[ " ${COMP_WORDS[*]} " != *' --user '* ]] || which=--user
        "${COMP_WORDS[0]}" "$which" --no-start "$@" 2>/dev/null
}

_dosvcctl_jobs() {
        _dosvcctl_ask --json=short list |
                tr '{' '\n' | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p'
}

# The keys that can be set of that job, each with "=" behind it.
_dosvcctl_keys() {
        _dosvcctl_ask set "$1" | sed -n 's/^\([a-z-]*=\).*/\1/p'
}

_dosvcctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' job='' word i
        local verbs='get create add list show files status explain resume start suspend pause
                cancel complete set edit-url cred header cert take-ownership reload attach wait
                monitor help'
        local options='--help --version --system --user --no-start --quiet --json= --no-legend
                --output-file= --directory= --name= --description= --priority= --proxy= --login=
                --scheme= --target= --ask-password --no-ask-password --password-fd= --digest=
                --checksum= --range= --from-file= --from= --to= --header= --user-agent= --cacert=
                --exists= --no-clobber --continue --retry --keep --all-or-nothing --dry-run
                --no-complete --partial --progress --no-wait --timeout= --state= --all-users --all --property= --value'

        # "=" is a word of its own in COMP_WORDS.
        if [[ $cur == '=' ]]; then
                cur=''
        elif [[ $prev == "=" ]] && ((COMP_CWORD >= 2)); then
                prev=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ " ${verbs//$'\n'/ } " == *" $word "* ]]; then
                        verb=$word
                        job=${COMP_WORDS[i + 1]-}
                        break
                fi
        done

        case $prev in
        --json) word='short pretty off' ;;
        --digest | --checksum) word='sha256: sha512: sha1: md5:' ;;
        --priority | priority) word='foreground high normal low' ;;
        --target) word='server proxy' ;;
        --scheme) word='basic digest ntlm negotiate bearer' ;;
        --proxy | proxy) word='none preconfig autodetect' ;;
        redirect-policy)
                word='allow-silent allow-report disallow allow-silent+https-to-http
                        allow-report+https-to-http'
                ;;
        security-flags)
                word='enable-crl-check ignore-cert-cn-invalid ignore-cert-date-invalid
                        ignore-unknown-ca ignore-cert-wrong-usage'
                ;;
        --state)
                word='queued connecting transferring suspended error transient-error transferred'
                ;;
        --property | -p)
                word=$(_dosvcctl_ask show "${COMP_WORDS[COMP_CWORD - 2]}" | cut -d= -f1)
                ;;
        --exists) word='replace fail number' ;;
        --output-file | -o | -O | --from-file | -i | --cacert)
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --directory | -d | -P)
                mapfile -t COMPREPLY < <(compgen -d -- "$cur")
                return
                ;;
        *)
                if [[ $cur == -* ]]; then
                        word=$options
                elif [[ -z $verb || $verb == help ]]; then
                        word=$verbs
                elif [[ $verb == cred && $prev == cred ]]; then
                        word='set list remove'
                elif [[ $verb == cert && $prev == cert ]]; then
                        word='set remove'
                elif [[ $verb == header && $prev == header ]]; then
                        word='set show remove'
                elif [[ $verb == set && $prev != set ]]; then
                        word=$(_dosvcctl_keys "$job")
                elif [[ $verb == add && $prev != add ]]; then
                        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                        return
                elif [[ $verb == get || $verb == create ]]; then
                        return
                else
                        word=$(_dosvcctl_jobs)
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
        [[ ${COMPREPLY[0]-} == *[=:] ]] && compopt -o nospace
        return 0
}

complete -F _dosvcctl dosvcctl
