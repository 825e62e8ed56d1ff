import type { Command } from './command';
import { complete, type Completion } from './complete';

/**
 * The word with which the scripts of the shells ask what a word may become. The words of the line follow it; the last
 * one is completed.
 */
export const ASK = '__complete';
/** A line that asks the shell to add the names of files. */
const FILES = ':files';

/**
 * The scripts hold no command and no option: each Tab asks `tocsin`, so that a script that was saved to a file is right
 * after an upgrade too.
 */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# tocsin, completed in bash
_tocsin() {
  local line="\${COMP_LINE:0:COMP_POINT}" answer word current head
  local -a words
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=('')
  current="\${words[\${#words[@]}-1]}"
  # bash replaces what follows the last = or :
  head="\${current%"\${current##*[=:]}"}"
  COMPREPLY=()
  while IFS= read -r answer; do
    word="\${answer%%$'\\t'*}"
    if [[ "$answer" == '${FILES}' ]]; then
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "\${current#"$head"}")
      compopt -o filenames 2>/dev/null
    elif [[ -n "$word" ]]; then
      COMPREPLY+=("\${word#"$head"}")
    fi
  done < <("\${words[0]}" ${ASK} "\${words[@]:1}" 2>/dev/null)
}
complete -o nosort -F _tocsin tocsin 2>/dev/null || complete -F _tocsin tocsin`,
  zsh: `#compdef tocsin
# tocsin, completed in zsh
_tocsin() {
  local answer word
  local -a described
  for answer in "\${(@f)$("\${words[1]}" ${ASK} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ "$answer" == '${FILES}' ]]; then
      _files
    elif [[ -n "$answer" ]]; then
      word="\${answer%%$'\\t'*}"
      described+=("\${word//:/\\\\:}:\${answer#*$'\\t'}")
    fi
  done
  (( \${#described} )) && _describe -V 'tocsin' described
}
if [[ "\${funcstack[1]}" == '_tocsin' ]]; then _tocsin "$@"; else compdef _tocsin tocsin; fi`,
  fish: `# tocsin, completed in fish
function __tocsin_complete
  set -l words (commandline -opc)
  for answer in ($words[1] ${ASK} $words[2..] (commandline -ct) 2>/dev/null)
    if test "$answer" = '${FILES}'
      __fish_complete_path (commandline -ct)
    else
      echo $answer
    end
  end
end
complete -c tocsin -f -k -a '(__tocsin_complete)'`,
};

export const completion: Command<Record<string, never>> = {
  name: 'completion',
  purpose: 'completes commands, options and values in a shell',
  about:
    'Prints a script for the shell, which completes `tocsin`. It asks `tocsin` at each Tab, so it stays right after ' +
    'an upgrade.',
  actions: {
    bash: 'for ~/.bashrc: source <(tocsin completion bash)',
    zsh: 'for ~/.zshrc, after compinit: source <(tocsin completion zsh)',
    fish: 'for ~/.config/fish/config.fish: tocsin completion fish | source',
  },
  options: {},
  examples: ['source <(tocsin completion bash)', 'tocsin completion fish > ~/.config/fish/completions/tocsin.fish'],
  settings: {},
  called: 'npm run tocsin -- completion',

  run({ action }, terminal) {
    terminal.out(SCRIPTS[action]!);
    return Promise.resolve(0);
  },
};

/** The answer to a script: a line for each candidate, with its description after a tab. */
export function completionLines(commands: readonly Command[], words: readonly string[]): string[] {
  const { candidates, files }: Completion = complete(commands, words);
  return [...candidates.map(({ word, about }) => `${word}\t${about}`), ...(files ? [FILES] : [])];
}
